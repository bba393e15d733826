"""The work of a training job is that of any job."""

from skylab.services.sagemaker.jobs.work import Jobs
from skylab.services.sagemaker.training.job import Job


class Training(Jobs):
    job = Job
