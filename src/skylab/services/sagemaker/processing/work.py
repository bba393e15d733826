"""The work of a processing job is that of any job."""

from skylab.services.sagemaker.jobs.work import Jobs
from skylab.services.sagemaker.processing.job import Job


class Processing(Jobs):
    job = Job
