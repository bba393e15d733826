"""Endpoint configurations: which models an endpoint serves, on what, and in which shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.sagemaker import common, records
from skylab.services.sagemaker.hosting import asynchronous, capacity, serverless
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "endpoint-config"
NOT_YET = ("ExplainerConfig", "MetricsConfig")
NOT_YET_OF_VARIANT = (
    "ManagedInstanceScaling",
    "AcceleratorType",
    "AcceleratorPartitionLayouts",
    "CapacityReservationConfig",
    "CoreDumpConfig",
    "EnableSSMAccess",
    "InferenceAmiVersion",
    "InstancePools",
)


class EndpointConfigs:
    def create_endpoint_config(self, call: Call, request: CreateEndpointConfigInput) -> dict[str, Any]:
        name = request["EndpointConfigName"]
        records.refuse(request, NOT_YET)
        variants = [_variant(variant) for variant in request["ProductionVariants"]]
        shadows = [_variant(variant) for variant in request.get("ShadowProductionVariants", [])]
        _unambiguous(variants, shadows)
        asynchronous.check(request, variants)
        serverless.check(request, variants)
        capacity.check(request, variants + shadows)
        config = common.arn(call, TYPE, name)
        doc = {member: value for member, value in request.items() if member != "Tags"}
        doc |= {"EndpointConfigArn": config, "ProductionVariants": variants, "CreationTime": call.now}
        if shadows:
            doc["ShadowProductionVariants"] = shadows
        with call.writing() as tx:
            for variant in variants + shadows:
                if "ModelName" not in variant:
                    continue
                model = records.find(tx, call, "model", variant["ModelName"])
                asynchronous.fits(request, model)
                serverless.fits(variant, model)
            records.create(tx, call, TYPE, name, doc | {"_": {"tags": common.tags(request)}})
        return {"EndpointConfigArn": config}

    def describe_endpoint_config(self, call: Call, request: DescribeEndpointConfigInput) -> dict[str, Any]:
        return records.described(call, TYPE, request["EndpointConfigName"])

    def delete_endpoint_config(self, call: Call, request: DeleteEndpointConfigInput) -> None:
        records.delete(call, TYPE, request["EndpointConfigName"])

    def list_endpoint_configs(self, call: Call, request: ListEndpointConfigsInput) -> dict[str, Any]:
        return common.listed(call, TYPE, request, "EndpointConfigs", "EndpointConfigName", "EndpointConfigStatus")


def _variant(given: Mapping[str, Any]) -> dict[str, Any]:
    """With AWS's defaults. Raises AwsError."""
    records.refuse(given, NOT_YET_OF_VARIANT)
    if "ServerlessConfig" in given:
        return {"InitialVariantWeight": 1.0} | dict(given)
    if "InstanceType" not in given:
        raise invalid(f"InstanceType must be given for production variant {given['VariantName']}.")
    if given.get("RoutingConfig", {}).get("RoutingStrategy") == "PREFIX_AWARE":
        raise invalid("RoutingStrategy PREFIX_AWARE is not offered yet.")
    return {"InitialInstanceCount": 1, "InitialVariantWeight": 1.0} | dict(given)


def _unambiguous(variants: list[dict[str, Any]], shadows: list[dict[str, Any]]) -> None:
    names = [variant["VariantName"] for variant in variants + shadows]
    if len(set(names)) < len(names):
        raise invalid("The names of production variants must be unique.")
    if not any(variant["InitialVariantWeight"] for variant in variants):
        raise invalid("At least one production variant must have a weight greater than 0.")
    if shadows and (len(shadows) > 1 or len(variants) > 1):
        raise invalid(
            "With ShadowProductionVariants only one variant may be given in ProductionVariants and one in "
            "ShadowProductionVariants."
        )
