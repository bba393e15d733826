"""How a deployment begins: the task of the fleet that is to be, and what requests and Describe are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import common, people, records
from skylab.services.sagemaker.hosting import asynchronous, capturing, deployments, documents, shifts
from skylab.services.sagemaker.tracking.automatic import deployed
from skylab.wire.errors import invalid


def deployment(request: Mapping[str, Any], doc: Mapping[str, Any]) -> dict[str, Any]:
    """The deployment configuration that counts. Raises AwsError."""
    given: dict[str, Any] = request.get("DeploymentConfig", {})
    if not request.get("RetainDeploymentConfig"):
        return given
    if given:
        raise invalid("DeploymentConfig must not be given where RetainDeploymentConfig is true.")
    last: dict[str, Any] = doc.get("LastDeploymentConfig", {})
    return last


def begin(
    tx: Transaction,
    call: Call,
    doc: dict[str, Any],
    config: str,
    variants: list[dict[str, Any]],
    deployment: dict[str, Any],
) -> None:
    """Starts the task that brings up a fleet beside the one that serves, and the one that delivers what it captures."""
    name, task, private, at = doc["EndpointName"], call.ids.new(), doc["_"], call.now.timestamp()
    stages = deployments.stages(deployment, [each["count"] for each in variants if not each.get("shadow")])
    deployed(tx, call.key("endpoint", name), config, call.now, call.ids.new(), people.context(call))
    capture = records.find(tx, call, "endpoint-config", config).get("DataCaptureConfig")
    serving = _serving(variants, capturing.planned(capture, task))
    tx.start(
        "endpoint",
        records.fleet_key(call.account, call.region, name, task),
        call.now,
        task,
        endpoint=name,
        config=config,
        variants=variants,
        replicas={},
        role=variants[0]["role"],
        token=common.new_token(call.ids.new),
        began=at,
        deployment=deployment,
        serving=serving,
        shown=_shown(capture, deployment) | asynchronous.shown(variants),
    )
    if capture and serving["capture"]:
        _capture(tx, call, name, task, capture, variants[0]["role"])
    _announce(tx, call, doc, config, variants, task)
    if private["fleet"] and stages:
        weights = {each["name"]: each["weight"] for each in variants if not each.get("shadow")}
        _shift(tx, call, name, shifts.begun(task, stages, weights, serving, at))


def _announce(
    tx: Transaction, call: Call, doc: dict[str, Any], config: str, variants: list[dict[str, Any]], task: str
) -> None:
    private = doc["_"]
    tx.update(
        call.key("endpoint", doc["EndpointName"]),
        call.now,
        EndpointStatus="Updating" if private["fleet"] else "Creating",
        PendingDeploymentSummary=documents.pending(config, variants, call.now),
        FailureReason=None,
        _=private | {"fleets": [*private["fleets"], task], "pending": task},
    )


def _shift(tx: Transaction, call: Call, name: str, shift: shifts.Shift) -> None:
    key = call.key("endpoint", name)
    tx.update(key, call.now, _=tx.get(key)["_"] | {"shift": shift})


def _shown(capture: dict[str, Any] | None, deployment: dict[str, Any]) -> dict[str, Any]:
    """What Describe adds once the deployment is through."""
    shown = {"DataCaptureConfig": capturing.summary(capture)} if capture else {}
    return shown | ({"LastDeploymentConfig": deployment} if deployment else {})


def _serving(variants: list[dict[str, Any]], capture: dict[str, Any] | None) -> dict[str, Any]:
    """How requests reach a fleet, beside its replicas: read by the runtime with each of them."""
    serving: dict[str, Any] = {"capture": capture}
    serving["strategies"] = {each["name"]: each["strategy"]["RoutingStrategy"] for each in variants if each["strategy"]}
    for shadow in (each for each in variants if each.get("shadow")):
        share = min(1.0, shadow["weight"] / variants[0]["weight"])
        serving["shadow"] = {"variant": shadow["name"], "share": share}
    return serving


def _capture(tx: Transaction, call: Call, endpoint: str, fleet: str, config: dict[str, Any], role: str) -> None:
    tx.start(
        "capture",
        capturing.capture_key(call.account, call.region, endpoint, fleet),
        call.now,
        call.ids.new(),
        endpoint=endpoint,
        fleet=fleet,
        destination=config["DestinationS3Uri"],
        kms=config.get("KmsKeyId", ""),
        role=role,
    )
