"""Training jobs."""

from skylab.services.sagemaker.training import operations
from skylab.services.sagemaker.training.operations import TrainingJobs
from skylab.services.sagemaker.training.work import Training

RESOURCES = [TrainingJobs]
WORK = {"training": Training}
MISSING = {operations.TYPE: operations.missing}
EXISTS = {operations.TYPE: operations.exists}
