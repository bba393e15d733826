"""The forms in which the families say what their operations need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skylab.services.access import Entry, Need, Parameters, Source, pass_role
from skylab.services.call import Call
from skylab.services.sagemaker import common

PRINCIPAL = "sagemaker.amazonaws.com"


def named(type: str, member: str) -> Callable[[Call, Parameters], str]:
    """The ARN of a resource that a member names: in small letters, as SageMaker writes them."""
    return lambda call, parameters: common.arn(call, type, parameters[member])


def each(list: str, member: str) -> Callable[[Call, Parameters], list[Any]]:
    """One member of every item of a list."""
    return lambda call, parameters: [item[member] for item in parameters.get(list, []) if member in item]


def create(operation: str, type: str, member: str, keys: Mapping[str, Source], *more: Need) -> Entry:
    """With tags in the request, making something is also tagging it."""
    arn, action = named(type, member), f"sagemaker:{operation}"
    tagging: dict[str, Source] = {"sagemaker:TaggingAction": lambda call, parameters: operation}
    tagged = Need("sagemaker:AddTags", arn, tagging, tags="Tags", when="Tags")
    return (Need(action, arn, keys, tags="Tags"), tagged, *more)


def on(operation: str, type: str, member: str) -> Entry:
    return (Need(f"sagemaker:{operation}", named(type, member)),)


def listing(operation: str) -> Entry:
    return (Need(f"sagemaker:{operation}"),)


def instance_types(call: Call, parameters: Parameters) -> list[str]:
    resources = parameters.get("ResourceConfig") or {}
    every = [resources, *resources.get("InstanceGroups", [])]
    return [each["InstanceType"] for each in every if "InstanceType" in each]


NETWORK: dict[str, Source] = {
    "sagemaker:NetworkIsolation": "EnableNetworkIsolation",
    "sagemaker:VpcSecurityGroupIds": "VpcConfig.SecurityGroupIds",
    "sagemaker:VpcSubnets": "VpcConfig.Subnets",
}
PASS_ROLE, PASS_EXECUTION_ROLE = pass_role("RoleArn", PRINCIPAL), pass_role("ExecutionRoleArn", PRINCIPAL)
