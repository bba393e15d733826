"""UpdateEndpointWeightsAndCapacities: weights count from the next request on, instances come and go by and by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from skylab.services.sagemaker.hosting import serverless
from skylab.services.sagemaker.hosting.documents import VARIANTS, described
from skylab.wire.errors import invalid

KEPT = ("DesiredInstanceCount", "DesiredWeight", "CurrentWeight")


def changed(doc: dict[str, Any], wanted: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    """The members that change. Raises AwsError."""
    known = {each["VariantName"] for each in described(doc)}
    changes = {each["VariantName"]: each for each in wanted}
    for name, change in changes.items():
        if name not in known:
            raise invalid(f"Could not find production variant {name} of {doc['EndpointArn']}.")
        if change.get("DesiredInstanceCount") == 0 and not _may_be_empty(doc):
            raise invalid(
                f"DesiredInstanceCount of variant {name} must be at least 1: only asynchronous endpoints and "
                "those that host inference components may have none."
            )
    new = {member: [_one(each, changes, now) for each in doc[member]] for member in VARIANTS if member in doc}
    if not any(each["DesiredWeight"] > 0 for each in new["ProductionVariants"]):
        raise invalid("At least one production variant must have a weight greater than 0.")
    before = {each["VariantName"]: {member: each[member] for member in KEPT} for each in described(doc)}
    return new | {"EndpointStatus": "Updating", "FailureReason": None, "_": doc["_"] | {"before": before}}


def _may_be_empty(doc: dict[str, Any]) -> bool:
    routes = doc["_"].get("serving", {}).get("routes", {})
    return "AsyncInferenceConfig" in doc or any("capacity" in each for each in routes.values())


def _one(variant: dict[str, Any], changes: Mapping[str, Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    change = changes.get(variant["VariantName"], {})
    weight = change.get("DesiredWeight", variant["DesiredWeight"])
    count = change.get("DesiredInstanceCount", variant["DesiredInstanceCount"])
    new = variant | {"DesiredWeight": weight, "CurrentWeight": weight, "DesiredInstanceCount": count}
    new |= serverless.updated(variant, change)
    if change:
        new["VariantStatus"] = [{"Status": "Updating", "StartTime": now}]
    return new
