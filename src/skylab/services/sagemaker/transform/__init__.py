"""Batch transform jobs."""

from skylab.services.sagemaker.records import job_exists, job_missing
from skylab.services.sagemaker.transform.operations import TYPE, TransformJobs
from skylab.services.sagemaker.transform.work import Transform

RESOURCES = [TransformJobs]
WORK = {"transform": Transform}
MISSING = {TYPE: job_missing}
EXISTS = {TYPE: job_exists}
