"""What an endpoint's document says of its fleets: who gets the traffic, what is there, and how far an update is.

Private members, under "_": fleet, the task whose replicas serve; replicas, their sockets by variant; serving, how they
are asked (strategies, shadow, capture, routes); pending, the task of an update under way, and shift (shifts.py), where
it moves the traffic by and by; before, what a change of capacities began with.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from skylab.kernel.store import Task
from skylab.services.sagemaker.hosting import deployments, serverless, shifts

Doc = dict[str, Any]
VARIANTS = ("ProductionVariants", "ShadowProductionVariants")


def described(doc: Doc) -> list[Doc]:
    """The summaries of all variants of the fleet that serves, shadows too."""
    return [variant for member in VARIANTS for variant in doc.get(member, [])]


def counts(task: Task, doc: Doc) -> dict[str, int]:
    """The instances that each variant of a fleet is to have now."""
    shift = doc["_"].get("shift")
    if task.state == "serving":
        part = shift["blue"] if shift else 1.0
        desired = {each["VariantName"]: each["DesiredInstanceCount"] for each in described(doc)}
        return {variant["name"]: deployments.instances(desired[variant["name"]], part) for variant in _plans(task)}
    part = shift["green"] if shift else 1.0
    return {variant["name"]: deployments.instances(variant["count"], part) for variant in _plans(task)}


def _plans(task: Task) -> list[Doc]:
    plans: list[Doc] = task.data["variants"]
    return plans


def serves(task: Task, doc: Doc, table: dict[str, list[str]], healthy: dict[str, int], whole: bool) -> Doc:
    """The document of the fleet that has the traffic; whole: all its replicas are well."""
    new = doc | {"_": doc["_"] | {"fleet": task.id, "replicas": table, "serving": task.data["serving"]}}
    settled = whole and doc["EndpointStatus"] != "InService" and not doc["_"]["pending"]
    for member in VARIANTS:
        if member in new:
            new[member] = [_counted(each, healthy, settled) for each in new[member]]
    if settled:
        new["EndpointStatus"] = "InService"
        new["_"].pop("before", None)
    return new


def takes_over(task: Task, doc: Doc, table: dict[str, list[str]], now: datetime) -> Doc:
    """An update is through: from here on this fleet has the traffic, and the endpoint is what it was told to become."""
    gone = {"PendingDeploymentSummary", "DataCaptureConfig", "AsyncInferenceConfig", *VARIANTS}
    new = {member: value for member, value in doc.items() if member not in gone}
    new |= {"EndpointConfigName": task.data["config"], "EndpointStatus": "InService"} | task.data["shown"]
    for member, shadow in zip(VARIANTS, (False, True), strict=True):
        if plans := [plan for plan in _plans(task) if plan.get("shadow", False) == shadow]:
            new[member] = [_summary(plan, now) for plan in plans]
    private = {name: value for name, value in doc["_"].items() if name not in ("shift", "before")}
    new["_"] = private | {"fleet": task.id, "replicas": table, "serving": task.data["serving"], "pending": None}
    return new


def shifted(task: Task, doc: Doc, table: dict[str, list[str]], healthy: dict[str, int], whole: bool, at: float) -> Doc:
    """One step of a shift; whole: what the present stage needs of the new fleet is well."""
    before = doc["_"]["shift"]
    ready = _restored(doc, before) if before["back"] else whole
    shift = shifts.onward(before | {"replicas": table, "serving": task.data["serving"]}, ready, at)
    if shift is None and not before["back"]:
        return takes_over(task, doc, table, datetime.fromtimestamp(at, UTC))
    if shift is None:
        return returned(doc, before["reason"])
    new = doc | {"_": doc["_"] | {"shift": shift}}
    pending = doc["PendingDeploymentSummary"]
    for member in VARIANTS:
        if member in pending:
            pending = pending | {member: [_progress(each, shift, healthy, at) for each in pending[member]]}
    return new | {"PendingDeploymentSummary": pending}


def returned(doc: Doc, reason: str) -> Doc:
    """An update has failed, and all traffic is with the fleet that was there before; without one it is the endpoint
    that has failed."""
    new = {member: value for member, value in doc.items() if member != "PendingDeploymentSummary"}
    private = {name: value for name, value in doc["_"].items() if name != "shift"} | {"pending": None}
    status = "InService" if private["fleet"] else "Failed"
    return new | {"EndpointStatus": status, "FailureReason": reason, "_": private}


def turned_back(task: Task, doc: Doc, reason: str) -> Doc:
    shift = doc["_"]["shift"]
    desired = [each["DesiredInstanceCount"] for each in doc["ProductionVariants"]]
    stages = deployments.retreat(task.data["deployment"], desired, shift["blue"])
    private = doc["_"] | {"shift": shifts.back(shift, stages, reason)}
    return doc | {"EndpointStatus": "RollingBack", "_": private}


def scaled_back(doc: Doc, reason: str) -> Doc:
    """A change of capacities that could not be made: the endpoint keeps what it had."""
    before = doc["_"]["before"]
    new = doc | {"EndpointStatus": "RollingBack", "FailureReason": reason}
    for member in VARIANTS:
        if member in new:
            new[member] = [each | before[each["VariantName"]] for each in new[member]]
    return new


def turned(doc: Doc) -> bool:
    """Whether an update is on its way back."""
    shift = doc["_"].get("shift")
    return bool(shift and shift["back"])


def lasting(task: Task, slot: str, variant: str, doc: Doc) -> bool:
    """Whether a replica that died is started again; one that a change has just brought ends the change."""
    if task.state != "serving":
        return turned(doc)
    before = doc["_"].get("before", {}).get(variant)
    added = before is not None and int(slot.split("-")[1]) >= before["DesiredInstanceCount"]
    return not added or doc["EndpointStatus"] != "Updating"


def state(task: Task, new: Doc) -> str:
    """Of the task, as the endpoint's document now has it."""
    if new["_"]["fleet"] == task.id:
        return "serving"
    if shift := new["_"].get("shift"):
        return "shifting" if shift["share"] > 0 else task.state
    return "leaving" if task.state == "shifting" else task.state


def _restored(doc: Doc, shift: shifts.Shift) -> bool:
    """Whether the old fleet has the instances that this stage of the way back needs."""
    tables = doc["_"]["replicas"]
    return all(
        len(tables.get(each["VariantName"], [])) >= deployments.instances(each["DesiredInstanceCount"], shift["blue"])
        for each in doc["ProductionVariants"]
    )


def _summary(plan: Doc, now: datetime) -> Doc:
    routing = {"RoutingConfig": plan["strategy"]} if plan.get("strategy") else {}
    summary = routing | {
        "VariantName": plan["name"],
        "DeployedImages": _images(plan, now),
        "DesiredWeight": plan["weight"],
        "CurrentWeight": plan["weight"],
        "DesiredInstanceCount": plan["count"],
        "CurrentInstanceCount": plan["count"],
    }
    return serverless.shown(plan, summary)


def _images(plan: Doc, now: datetime) -> list[Doc]:
    """Of each container."""
    images = [each["image"] for each in (plan, *plan.get("others", [])) if each["image"]]
    return [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now} for image in images]


def _counted(variant: Doc, healthy: dict[str, int], settled: bool) -> Doc:
    """With the instances that are there, and, once all is as it should be, without a status."""
    new = dict(variant)
    if "CurrentServerlessConfig" not in variant:
        new["CurrentInstanceCount"] = healthy.get(variant["VariantName"], 0)
    if settled:
        new.pop("VariantStatus", None)
    return new


def _progress(variant: Doc, shift: shifts.Shift, healthy: dict[str, int], at: float) -> Doc:
    """Of a variant on its way, as PendingDeploymentSummary shows it."""
    status = shifts.status(shift)
    (was,) = variant["VariantStatus"]
    since = was["StartTime"] if was["Status"] == status else datetime.fromtimestamp(at, UTC)
    count = healthy.get(variant["VariantName"], 0)
    weight = {"CurrentWeight": variant["DesiredWeight"] if shift["share"] > 0 else 0.0}
    return variant | weight | {"CurrentInstanceCount": count, "VariantStatus": [{"Status": status, "StartTime": since}]}


def pending(config: str, plans: Iterable[Doc], now: datetime) -> Doc:
    """What DescribeEndpoint shows of a deployment that begins."""
    shown: Doc = {"EndpointConfigName": config, "StartTime": now}
    for plan in plans:
        summary = {
            "VariantName": plan["name"],
            "DeployedImages": _images(plan, now),
            "CurrentWeight": 0.0,
            "DesiredWeight": plan["weight"],
            "CurrentInstanceCount": 0,
            "DesiredInstanceCount": plan["count"],
            "InstanceType": plan["type"],
            "VariantStatus": [{"Status": "Creating", "StartTime": now}],
        }
        shown.setdefault(VARIANTS[plan.get("shadow", False)], []).append(serverless.shown(plan, summary, pending=True))
    return shown
