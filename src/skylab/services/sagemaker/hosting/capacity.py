"""Variants without a model: instances that inference components are placed on.

https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from skylab.kernel.store import Task, Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.hosting import documents
from skylab.wire.errors import invalid

NOT_IN = ("AsyncInferenceConfig", "DataCaptureConfig", "ShadowProductionVariants")


def check(config: Mapping[str, Any], variants: Sequence[Mapping[str, Any]]) -> None:
    """Raises AwsError."""
    bare = [variant for variant in variants if "ModelName" not in variant]
    if not bare:
        return
    if len(bare) < len(variants):
        raise invalid("ModelName must be given for all production variants, or for none of them.")
    if any("ServerlessConfig" in variant for variant in bare):
        raise invalid("ModelName must be given for a serverless variant.")
    if "ExecutionRoleArn" not in config:
        raise invalid("ExecutionRoleArn must be given where production variants have no ModelName.")
    if member := next((name for name in NOT_IN if config.get(name)), None):
        raise invalid(f"{member} cannot be given where production variants have no ModelName.")


def plan(variant: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """As fleets know variants; it runs nothing."""
    role, isolated = config["ExecutionRoleArn"], config.get("EnableNetworkIsolation", False)
    return {
        "name": variant["VariantName"],
        "type": variant["InstanceType"],
        "count": variant["InitialInstanceCount"],
        "weight": variant["InitialVariantWeight"],
        "patience": 0,
        "download": None,
        "strategy": variant.get("RoutingConfig"),
        "host": "",
        "image": "",
        "url": "",
        "source": {},
        "env": {},
        "others": [],
        "routing": {},
        "isolated": isolated,
        "role": role,
        "capacity": {"type": variant["InstanceType"], "role": role, "isolated": isolated},
    }


def counts(task: Task, doc: dict[str, Any]) -> dict[str, int]:
    """Instances that are there: as many as there should be, since they are no processes."""
    wanted = documents.counts(task, doc)
    return {each["name"]: wanted[each["name"]] for each in task.data["variants"] if "capacity" in each}


def empty(tx: Transaction, call: Call, endpoint: Mapping[str, Any]) -> None:
    """Raises AwsError where inference components are still there."""
    guests = tx.all(call.account, call.region, "sagemaker", "inference-component")
    names = [each["InferenceComponentName"] for each in guests if each["EndpointName"] == endpoint["EndpointName"]]
    if names:
        raise invalid(
            f'Cannot delete endpoint "{endpoint["EndpointArn"]}": it hosts inference components ({", ".join(names)}). '
            "Delete them first."
        )
