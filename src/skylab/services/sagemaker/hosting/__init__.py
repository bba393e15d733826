"""Models, endpoint configurations, endpoints."""

from skylab.services.sagemaker.hosting.capturing import Capturing
from skylab.services.sagemaker.hosting.endpoint_configs import EndpointConfigs
from skylab.services.sagemaker.hosting.endpoints import Endpoints
from skylab.services.sagemaker.hosting.fleet import Fleet
from skylab.services.sagemaker.hosting.models import Models

RESOURCES = [Models, EndpointConfigs, Endpoints]
WORK = {"endpoint": Fleet, "capture": Capturing}
