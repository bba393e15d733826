"""SageMaker."""

from skylab.services.sagemaker.endpoint_configs import EndpointConfigs
from skylab.services.sagemaker.endpoints import Endpoints
from skylab.services.sagemaker.fleet import Fleet
from skylab.services.sagemaker.models import Models

NAME = "sagemaker"
INVALID = "ValidationException"
RESOURCES = [Models, EndpointConfigs, Endpoints]
WORK = {"endpoint": Fleet}
