"""Amazon SageMaker: the resources it offers, the work behind them, and how it says no."""

from skylab.kernel.key import Key
from skylab.kernel.store import Exists, Missing
from skylab.services.sagemaker import training
from skylab.services.sagemaker.endpoint_configs import EndpointConfigs
from skylab.services.sagemaker.endpoints import Endpoints
from skylab.services.sagemaker.fleet import Fleet
from skylab.services.sagemaker.models import Models
from skylab.services.sagemaker.tags import Tags
from skylab.services.sagemaker.trainer import Training
from skylab.services.sagemaker.training import TrainingJobs
from skylab.wire.errors import AwsError, invalid

NAME = "sagemaker"
RESOURCES = [
    TrainingJobs,
    Models,
    EndpointConfigs,
    Endpoints,
    Tags,
]
WORK = {
    "training": Training,
    "endpoint": Fleet,
}
INVALID = "ValidationException"

MISSING = {  # by the type of the resource
    training.TYPE: training.missing,
}
EXISTS = {
    training.TYPE: training.exists,
}


def _missing(key: Key) -> AwsError:
    return MISSING[key.type](key) if key.type in MISSING else invalid(f"Could not find {key.type} {key.name}.")


def _exists(key: Key) -> AwsError:
    return EXISTS[key.type](key) if key.type in EXISTS else invalid(f"{key.type} {key.name} already exists.")


ERRORS = {Missing: _missing, Exists: _exists}
