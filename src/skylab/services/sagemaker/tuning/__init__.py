"""Automatic model tuning: hyperparameter tuning jobs, which search by running training jobs."""

from skylab.services.sagemaker.tuning import operations
from skylab.services.sagemaker.tuning.operations import TuningJobs
from skylab.services.sagemaker.tuning.work import Tuning

RESOURCES = [TuningJobs]
WORK = {"tuning": Tuning}
MISSING = {operations.TYPE: operations.missing}
EXISTS = {operations.TYPE: operations.exists}
