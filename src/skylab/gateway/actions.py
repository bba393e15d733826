"""The action that a request to a service which is not ours asks for, as far as AWS's model of that service tells it."""

from botocore.exceptions import UnknownServiceError

from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.model import service_model
from skylab.wire.protocols import protocol

# Where policies know a service by another name than signatures do.
PREFIXES = {"monitoring": "cloudwatch", "email": "ses", "tagging": "tag"}
# Where botocore's models have other names than signatures, or several share one.
MODELS = {
    "apigateway": ("apigateway", "apigatewayv2"),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elbv2", "elb"),
    "elasticmapreduce": ("emr",),
    "email": ("ses", "sesv2"),
    "events": ("events",),
    "monitoring": ("cloudwatch",),
    "ses": ("ses", "sesv2"),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}
UNKNOWN = "Unknown"  # allowed only to who may do everything with the service


def named(service: str, request: HttpRequest) -> str:
    """service: its signing name. Reads a model from disk the first time; the body is bytes."""
    return f"{PREFIXES.get(service, service)}:{_operation(service, request)}"


def _operation(service: str, request: HttpRequest) -> str:
    for name in MODELS.get(service, (service,)):
        try:
            model = service_model(name)
            found: str = protocol(model, request).operation(request).name
        except (AwsError, UnknownServiceError):
            continue
        return found
    return UNKNOWN
