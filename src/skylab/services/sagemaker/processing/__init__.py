"""Processing jobs."""

from skylab.services.sagemaker.processing.operations import TYPE, ProcessingJobs
from skylab.services.sagemaker.processing.work import Processing
from skylab.services.sagemaker.records import job_exists, job_missing

RESOURCES = [ProcessingJobs]
WORK = {"processing": Processing}
MISSING = {TYPE: job_missing}
EXISTS = {TYPE: job_exists}
