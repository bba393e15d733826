"""What a request to a service which is not ours needs, as far as AWS's model of that service tells it: the action of
its name, on any resource, and iam:PassRole on every role that it hands over
(https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html)."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, Shape

from skylab.services.access import Need
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.model import service_model
from skylab.wire.protocols import Protocol, protocol

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


# Who is passed a role, where it is not the service that is asked.
PASSED_TO = {"ecs": "ecs-tasks", "batch:RegisterJobDefinition": "ecs-tasks", "monitoring": "cloudwatch"}
BY_NAME = {"glue"}  # take a role's name as well as its ARN
READS = ("Describe", "Get", "List")
A_ROLE = re.compile(r"roles?(arns?)?$", re.IGNORECASE)  # names of members
ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+", re.ASCII)
NAME = re.compile(r"[\w+=,.@/-]+", re.ASCII)


def needs(service: str, request: HttpRequest) -> tuple[Need, ...]:
    """service: its signing name. Reads a model from disk the first time; the body is bytes. Raises AwsError where a
    role may be in what cannot be read."""
    words, operation = _operation(service, request)
    name = operation.name if operation else UNKNOWN
    need = Need(f"{PREFIXES.get(service, service)}:{name}")
    if words is None or operation is None or name.startswith(READS) or not _takes_roles(operation.input_shape):
        return (need,)
    passed = _roles(operation.input_shape, words.parse(operation, request), service in BY_NAME)
    to = PASSED_TO.get(f"{service}:{name}") or PASSED_TO.get(service, service)
    return (need, *(_pass(role, f"{to}.amazonaws.com") for role in passed))


def _pass(role: str, principal: str) -> Need:
    return Need("iam:PassRole", role, {"iam:PassedToService": lambda call, parameters: principal})


def _operation(service: str, request: HttpRequest) -> tuple[Protocol | None, OperationModel | None]:
    for name in MODELS.get(service, (service,)):
        try:
            words = protocol(service_model(name), request)
            return words, words.operation(request)
        except (AwsError, UnknownServiceError):
            continue
    return None, None


@cache
def _takes_roles(shape: Shape | None) -> bool:
    seen, left = set(), [("", shape)]
    while left:
        name, one = left.pop()
        if one is None or (name, one.name) in seen:
            continue
        seen.add((name, one.name))
        if one.type_name == "string" and A_ROLE.search(name):
            return True
        left += _within(name, one)
    return False


def _within(name: str, shape: Shape) -> list[tuple[str, Shape | None]]:
    """The shapes that a shape is made of; what is in a list or map goes by its name."""
    match shape.type_name:
        case "structure":
            return list(shape.members.items())
        case "list":
            return [(name, shape.member)]
        case "map":
            return [(name, shape.value)]
    return []


def _roles(shape: Shape, value: Any, by_name: bool, name: str = "") -> Iterator[str]:
    """Each role in a value, as a Need's resource."""
    match shape.type_name:
        case "structure":
            for each in shape.members.keys() & value.keys():
                yield from _roles(shape.members[each], value[each], by_name, each)
        case "list":
            for item in value:
                yield from _roles(shape.member, item, by_name, name)
        case "map":
            for item in value.values():
                yield from _roles(shape.value, item, by_name, name)
        case "string" if A_ROLE.search(name):
            if ARN.fullmatch(value):
                yield value
            elif by_name and NAME.fullmatch(value):
                yield f"arn:aws:iam::{{account}}:role/{value}"
