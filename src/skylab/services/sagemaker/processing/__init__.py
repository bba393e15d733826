"""Processing jobs."""

from skylab.services.sagemaker.processing import operations
from skylab.services.sagemaker.processing.operations import ProcessingJobs
from skylab.services.sagemaker.processing.work import Processing

RESOURCES = [ProcessingJobs]
WORK = {"processing": Processing}
MISSING = {operations.TYPE: operations.missing}
EXISTS = {operations.TYPE: operations.exists}
