"""Inference components: what is wanted is written into the document; work.py makes it so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import common, records
from skylab.services.sagemaker.components import specification
from skylab.services.sagemaker.components.work import COPIES, copies_key
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "inference-component"
UNDER_WAY = ("Creating", "Updating", "Deleting")


class InferenceComponents:
    def create_inference_component(self, call: Call, request: CreateInferenceComponentInput) -> dict[str, Any]:
        name, given = request["InferenceComponentName"], request.get("Specification", {})
        specification.check(request)
        if request.get("RuntimeConfig", {}).get("CopyCount", 0) < 1:
            raise invalid("Inference components copy count an integer larger than 0.")
        with call.writing() as tx:
            endpoint, variant, host = _host(tx, call, request)
            plan = specification.planned(tx, call, given, variant, host)
            doc = {
                "InferenceComponentName": name,
                "InferenceComponentArn": common.arn(call, TYPE, name),
                "EndpointName": endpoint["EndpointName"],
                "EndpointArn": endpoint["EndpointArn"],
                "VariantName": variant,
                "Specification": specification.shown(given, plan, call.now),
                "RuntimeConfig": {"DesiredCopyCount": request["RuntimeConfig"]["CopyCount"], "CurrentCopyCount": 0},
                "InferenceComponentStatus": "Creating",
                "CreationTime": call.now,
                "LastModifiedTime": call.now,
                "_": {"tags": common.tags(request), "sockets": [], "placed": {}, "generation": 0, "good": -1},
            }
            records.create(tx, call, TYPE, name, doc)
            _start(tx, call, copies_key(call.key(TYPE, name)), doc, plan)
        return {"InferenceComponentArn": doc["InferenceComponentArn"]}

    async def describe_inference_component(
        self, call: Call, request: DescribeInferenceComponentInput
    ) -> dict[str, Any]:
        """A fresh change is held until it has ended, for a while."""

        def read(tx: Transaction) -> dict[str, Any]:
            return records.find(tx, call, TYPE, request["InferenceComponentName"])

        def settled(doc: dict[str, Any]) -> bool:
            return doc["InferenceComponentStatus"] not in UNDER_WAY

        return await common.hold(call, read, settled, since="LastModifiedTime")

    def list_inference_components(self, call: Call, request: ListInferenceComponentsInput) -> dict[str, Any]:
        members = {"EndpointName": request.get("EndpointNameEquals"), "VariantName": request.get("VariantNameEquals")}
        page: dict[str, Any] = {"MaxResults": 10, **request}
        names = ("InferenceComponents", "InferenceComponentName", "InferenceComponentStatus")
        return common.listed(
            call,
            TYPE,
            page,
            *names,
            also=lambda doc: all(value in (None, doc[name]) for name, value in members.items()),
        )

    def update_inference_component(self, call: Call, request: UpdateInferenceComponentInput) -> dict[str, Any]:
        specification.check(request)
        with call.writing() as tx:
            doc = _settled(tx, call, request["InferenceComponentName"])
            changes: dict[str, Any] = {}
            if "Specification" in request:
                given = _merged(doc, request["Specification"])
                _, variant, host = _host(tx, call, doc)
                plan = specification.planned(tx, call, given, variant, host)
                changes["Specification"] = specification.shown(given, plan, call.now)
                (task,) = tx.tasks(target=copies_key(call.key(TYPE, doc["InferenceComponentName"])))
                changes["_"] = doc["_"] | {"generation": len(task.data["variants"])}
                tx.move(task.id, task.state, variants=[*task.data["variants"], plan], began=call.now.timestamp())
            if "RuntimeConfig" in request:
                changes["RuntimeConfig"] = doc["RuntimeConfig"] | {
                    "DesiredCopyCount": request["RuntimeConfig"]["CopyCount"]
                }
            _update(tx, call, doc, changes)
        return {"InferenceComponentArn": doc["InferenceComponentArn"]}

    def update_inference_component_runtime_config(
        self, call: Call, request: UpdateInferenceComponentRuntimeConfigInput
    ) -> dict[str, Any]:
        with call.writing() as tx:
            doc = _settled(tx, call, request["InferenceComponentName"])
            wanted = {"DesiredCopyCount": request["DesiredRuntimeConfig"]["CopyCount"]}
            _update(tx, call, doc, {"RuntimeConfig": doc["RuntimeConfig"] | wanted})
        return {"InferenceComponentArn": doc["InferenceComponentArn"]}

    def delete_inference_component(self, call: Call, request: DeleteInferenceComponentInput) -> None:
        """The record first: from then on nothing is served, and then the copies are stopped."""
        with call.writing() as tx:
            doc = _settled(tx, call, request["InferenceComponentName"], ("InService", "Failed"))
            key = call.key(TYPE, doc["InferenceComponentName"])
            tx.update(key, call.now, InferenceComponentStatus="Deleting", _=doc["_"] | {"sockets": []})
            tx.stop(copies_key(key), call.now)


def _merged(doc: dict[str, Any], wanted: Any) -> dict[str, Any]:
    """The specification with what changes: of ModelName and Container the one that is given."""
    before = doc["Specification"]
    kept = {member: value for member, value in before.items() if member not in ("ModelName", "Container")}
    if "ModelName" not in wanted and "Container" not in wanted:
        if "ModelName" not in before:
            raise invalid("ModelName or Container must be given to update this inference component.")
        kept["ModelName"] = before["ModelName"]
    return kept | dict(wanted)


def _host(tx: Transaction, call: Call, request: Any) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """(endpoint, variant, what it tells of its instances). Raises AwsError."""
    endpoint = records.find(tx, call, "endpoint", request["EndpointName"])
    if endpoint["EndpointStatus"] != "InService":
        raise invalid(f'Endpoint "{endpoint["EndpointArn"]}" is not in service.')
    routes = endpoint["_"].get("serving", {}).get("routes", {})
    if "VariantName" not in request:
        raise invalid("VariantName must be given for an inference component.")
    if (host := routes.get(request["VariantName"], {}).get("capacity")) is None:
        known = {each["VariantName"] for each in endpoint["ProductionVariants"]}
        if request["VariantName"] in known:
            raise invalid(f"Variant {request['VariantName']} has a model of its own: it hosts no inference components.")
        raise invalid(f"Could not find production variant {request['VariantName']} of {endpoint['EndpointArn']}.")
    return endpoint, request["VariantName"], host


def _settled(tx: Transaction, call: Call, name: str, allowed: tuple[str, ...] = ("InService",)) -> dict[str, Any]:
    doc = records.find(tx, call, TYPE, name)
    if doc["InferenceComponentStatus"] not in allowed:
        arn, status = doc["InferenceComponentArn"], doc["InferenceComponentStatus"]
        raise invalid(f'Cannot update inference component "{arn}" in status {status}.')
    return doc


def _update(tx: Transaction, call: Call, doc: dict[str, Any], changes: dict[str, Any]) -> None:
    key = call.key(TYPE, doc["InferenceComponentName"])
    tx.update(key, call.now, InferenceComponentStatus="Updating", FailureReason=None, **changes)


def _start(tx: Transaction, call: Call, target: Key, doc: dict[str, Any], plan: dict[str, Any]) -> None:
    tx.start(
        COPIES,
        target,
        call.now,
        call.ids.new(),
        component=doc["InferenceComponentName"],
        endpoint=doc["EndpointName"],
        variants=[plan],
        replicas={},
        role=plan["role"],
        token=common.new_token(call.ids.new),
        began=call.now.timestamp(),
    )
