"""What SageMaker's operations need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from skylab.services.access import Entry, Need, Parameters, Source, pass_role
from skylab.services.call import Call
from skylab.services.sagemaker import common, tags

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


def file_systems(member: str) -> Callable[[Call, Parameters], list[str]]:
    def found(call: Call, parameters: Parameters) -> list[str]:
        sources = (channel.get("DataSource", {}) for channel in parameters.get("InputDataConfig", []))
        return [system[member] for s in sources if (system := s.get("FileSystemDataSource")) and member in system]

    return found


def model_arns(call: Call, parameters: Parameters) -> list[str]:
    models = (variant.get("ModelName") for variant in parameters["ProductionVariants"])
    return [common.arn(call, "model", model) for model in models if model]


NETWORK: dict[str, Source] = {
    "sagemaker:NetworkIsolation": "EnableNetworkIsolation",
    "sagemaker:VpcSecurityGroupIds": "VpcConfig.SecurityGroupIds",
    "sagemaker:VpcSubnets": "VpcConfig.Subnets",
}
TRAINING: dict[str, Source] = NETWORK | {
    "sagemaker:EnableRemoteDebug": "RemoteDebugConfig.EnableRemoteDebug",
    "sagemaker:FileSystemAccessMode": file_systems("FileSystemAccessMode"),
    "sagemaker:FileSystemDirectoryPath": file_systems("DirectoryPath"),
    "sagemaker:FileSystemId": file_systems("FileSystemId"),
    "sagemaker:FileSystemType": file_systems("FileSystemType"),
    "sagemaker:InstanceTypes": instance_types,
    "sagemaker:InterContainerTrafficEncryption": "EnableInterContainerTrafficEncryption",
    "sagemaker:KeepAlivePeriod": "ResourceConfig.KeepAlivePeriodInSeconds",
    "sagemaker:MaxRuntimeInSeconds": "StoppingCondition.MaxRuntimeInSeconds",
    "sagemaker:OutputKmsKey": "OutputDataConfig.KmsKeyId",
    "sagemaker:VolumeKmsKey": "ResourceConfig.VolumeKmsKeyId",
}
UPDATE: dict[str, Source] = {
    key: TRAINING[key]
    for key in ("sagemaker:EnableRemoteDebug", "sagemaker:InstanceTypes", "sagemaker:KeepAlivePeriod")
}
CONFIG: dict[str, Source] = NETWORK | {
    "sagemaker:AcceleratorTypes": each("ProductionVariants", "AcceleratorType"),
    "sagemaker:InstanceTypes": each("ProductionVariants", "InstanceType"),
    "sagemaker:ModelArn": model_arns,
    "sagemaker:VolumeKmsKey": "KmsKeyId",
}
PASS_ROLE, PASS_EXECUTION_ROLE = pass_role("RoleArn", PRINCIPAL), pass_role("ExecutionRoleArn", PRINCIPAL)
ENDPOINT, ENDPOINT_CONFIG = named("endpoint", "EndpointName"), named("endpoint-config", "EndpointConfigName")

ACCESS: dict[str, Entry] = {
    "CreateTrainingJob": create("CreateTrainingJob", "training-job", "TrainingJobName", TRAINING, PASS_ROLE),
    "DescribeTrainingJob": on("DescribeTrainingJob", "training-job", "TrainingJobName"),
    "StopTrainingJob": on("StopTrainingJob", "training-job", "TrainingJobName"),
    "UpdateTrainingJob": (Need("sagemaker:UpdateTrainingJob", named("training-job", "TrainingJobName"), UPDATE),),
    "DeleteTrainingJob": on("DeleteTrainingJob", "training-job", "TrainingJobName"),
    "ListTrainingJobs": listing("ListTrainingJobs"),
    "CreateModel": create("CreateModel", "model", "ModelName", NETWORK, PASS_EXECUTION_ROLE),
    "DescribeModel": on("DescribeModel", "model", "ModelName"),
    "DeleteModel": on("DeleteModel", "model", "ModelName"),
    "ListModels": listing("ListModels"),
    "CreateEndpointConfig": create(
        "CreateEndpointConfig",
        "endpoint-config",
        "EndpointConfigName",
        CONFIG,
        pass_role("ExecutionRoleArn", PRINCIPAL),
    ),
    "DescribeEndpointConfig": on("DescribeEndpointConfig", "endpoint-config", "EndpointConfigName"),
    "DeleteEndpointConfig": on("DeleteEndpointConfig", "endpoint-config", "EndpointConfigName"),
    "ListEndpointConfigs": listing("ListEndpointConfigs"),
    "CreateEndpoint": create(
        "CreateEndpoint",
        "endpoint",
        "EndpointName",
        {},
        Need("sagemaker:CreateEndpoint", ENDPOINT_CONFIG, tags="Tags"),
    ),
    "UpdateEndpoint": (
        Need("sagemaker:UpdateEndpoint", ENDPOINT),
        Need("sagemaker:UpdateEndpoint", ENDPOINT_CONFIG),
    ),
    "UpdateEndpointWeightsAndCapacities": on("UpdateEndpointWeightsAndCapacities", "endpoint", "EndpointName"),
    "DescribeEndpoint": on("DescribeEndpoint", "endpoint", "EndpointName"),
    "DeleteEndpoint": on("DeleteEndpoint", "endpoint", "EndpointName"),
    "ListEndpoints": listing("ListEndpoints"),
    "AddTags": (Need("sagemaker:AddTags", "{ResourceArn}", tags="Tags"),),
    "DeleteTags": (Need("sagemaker:DeleteTags", "{ResourceArn}", untags="TagKeys"),),
    "ListTags": (Need("sagemaker:ListTags", "{ResourceArn}"),),
}


def resource_tags(call: Call, arn: str) -> Mapping[str, str]:
    with call.reading() as tx:
        return tags.known(tx, replace(call, service="sagemaker"), arn)  # an invocation is a call of another service
