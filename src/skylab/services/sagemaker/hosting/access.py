"""What the operations of models, endpoint configurations and endpoints need."""

from __future__ import annotations

from skylab.services.access import Entry, Need, Parameters, Source, pass_role
from skylab.services.call import Call
from skylab.services.sagemaker import common
from skylab.services.sagemaker.needs import NETWORK, PASS_EXECUTION_ROLE, PRINCIPAL, create, each, listing, named, on

VARIANTS = ("ProductionVariants", "ShadowProductionVariants")


def of_variants(member: str) -> Source:
    """One member of every variant: a shadow takes as much as one in production."""
    return lambda call, parameters: [one for list in VARIANTS for one in each(list, member)(call, parameters)]


def model_arns(call: Call, parameters: Parameters) -> list[str]:
    models = (variant.get("ModelName") for member in VARIANTS for variant in parameters.get(member, []))
    return [common.arn(call, "model", model) for model in models if model]


CONFIG: dict[str, Source] = NETWORK | {
    "sagemaker:AcceleratorTypes": of_variants("AcceleratorType"),
    "sagemaker:InstanceTypes": of_variants("InstanceType"),
    "sagemaker:ModelArn": model_arns,
    "sagemaker:VolumeKmsKey": "KmsKeyId",
}
ENDPOINT, ENDPOINT_CONFIG = named("endpoint", "EndpointName"), named("endpoint-config", "EndpointConfigName")

ACCESS: dict[str, Entry] = {
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
}
