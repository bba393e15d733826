"""Serverless variants: no instances, but workers of one request each, as many as are asked for, and none when nobody
asks.

What requests need is in the endpoint's document (_.demand: by variant, count and until), written by the runtime. One
worker shows that the container comes up when the endpoint is made, and goes; ProvisionedConcurrency keeps some.
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil
from typing import Any

from skylab.kernel.store import Task
from skylab.services.sagemaker.hosting import containers
from skylab.wire.errors import invalid

STEP = 1024  # MB
PER_CPU = 1769  # MB: "compute resources proportional to the memory"; how much, AWS says of Lambda only
NOT_WITH = ("InstanceType", "InitialInstanceCount", "VolumeSizeInGB", "RoutingConfig", "ManagedInstanceScaling")
NOT_IN = ("DataCaptureConfig", "VpcConfig", "EnableNetworkIsolation", "ShadowProductionVariants")


def check(config: Mapping[str, Any], variants: Sequence[Mapping[str, Any]]) -> None:
    """Raises AwsError for what AWS lists as excluded."""
    for variant in variants:
        if given := variant.get("ServerlessConfig"):
            if member := next((name for name in NOT_WITH if name in variant), None):
                raise invalid(f"{member} cannot be given with ServerlessConfig for variant {variant['VariantName']}.")
            _sized(given)
    if any("ServerlessConfig" in variant for variant in variants):
        if len(variants) > 1:
            raise invalid("A serverless endpoint has a single production variant.")
        if member := next((name for name in NOT_IN if config.get(name)), None):
            raise invalid(f"{member} cannot be given for a serverless endpoint.")


def _sized(given: Mapping[str, Any]) -> None:
    if given["MemorySizeInMB"] % STEP:
        raise invalid("MemorySizeInMB must be one of 1024, 2048, 3072, 4096, 5120 and 6144.")
    if given.get("ProvisionedConcurrency", 0) > given["MaxConcurrency"]:
        raise invalid("ProvisionedConcurrency must be less than or equal to MaxConcurrency.")


def fits(variant: Mapping[str, Any], model: Mapping[str, Any]) -> None:
    """Raises AwsError for a model that AWS does not serve without instances."""
    if "ServerlessConfig" not in variant:
        return
    if "chain" in (routing := containers.routing(model)):
        raise invalid("A serverless endpoint cannot serve a model with several containers.")
    if "models" in routing:
        raise invalid("A serverless endpoint cannot serve a model whose container is in MultiModel mode.")
    if model.get("VpcConfig") or model.get("EnableNetworkIsolation"):
        raise invalid("A serverless endpoint cannot serve a model with VpcConfig or network isolation.")


def plan(variant: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a variant's plan that differ; the first fleet has at least the worker that shows it can."""
    given = variant.get("ServerlessConfig")
    if not given:
        return {}
    memory = given["MemorySizeInMB"]
    machine = {"vcpus": ceil(memory / PER_CPU), "memory": memory / 1024}
    count = max(1, given.get("ProvisionedConcurrency", 0))
    return {"type": "", "count": count, "serverless": given, "machine": machine}


def counts(task: Task, doc: Mapping[str, Any], now: datetime) -> dict[str, int]:
    """The workers that each serverless variant is to have now, once its fleet serves."""
    found = {}
    if task.state == "serving":
        for variant in doc["ProductionVariants"]:
            if given := variant.get("DesiredServerlessConfig"):
                demand = doc["_"].get("demand", {}).get(variant["VariantName"], {"count": 0, "until": 0})
                asked = demand["count"] if now.timestamp() < demand["until"] else 0
                kept = max(asked, given.get("ProvisionedConcurrency", 0))
                found[variant["VariantName"]] = min(kept, given["MaxConcurrency"])
    return found


def routing(task: Task, doc: Mapping[str, Any]) -> dict[str, Any]:
    """By variant: its configuration as it counts now."""
    planned = {plan["name"]: plan["serverless"] for plan in task.data["variants"] if "serverless" in plan}
    if task.state == "serving":
        shown = {each["VariantName"]: each.get("DesiredServerlessConfig") for each in doc["ProductionVariants"]}
        planned = {name: shown.get(name) or given for name, given in planned.items()}
    return planned


def shown(plan: Mapping[str, Any], summary: dict[str, Any], pending: bool = False) -> dict[str, Any]:
    """A variant's summary, with its configuration in place of instances."""
    if not (given := plan.get("serverless")):
        return summary
    kept = {member: value for member, value in summary.items() if member != "InstanceType"}
    kept |= {"DesiredInstanceCount": 0, "CurrentInstanceCount": 0, "DesiredServerlessConfig": given}
    return kept | ({} if pending else {"CurrentServerlessConfig": given})


def updated(variant: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """What ServerlessUpdateConfig changes of a variant. Raises AwsError."""
    if not (wanted := change.get("ServerlessUpdateConfig")):
        return {}
    if not (before := variant.get("DesiredServerlessConfig")):
        raise invalid(f"Variant {variant['VariantName']} is not serverless: ServerlessUpdateConfig cannot be given.")
    new = before | wanted
    _sized(new)
    return {"DesiredServerlessConfig": new, "CurrentServerlessConfig": new}
