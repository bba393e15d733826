"""Endpoints: what is wanted is written into the document; fleet.py makes it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import common, records
from skylab.services.sagemaker.hosting import (
    asynchronous,
    capacities,
    capacity,
    containers,
    documents,
    rollouts,
    serverless,
)
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "endpoint"
UNDER_WAY = ("Creating", "Updating", "RollingBack", "Deleting")


class Endpoints:
    def create_endpoint(self, call: Call, request: CreateEndpointInput) -> dict[str, Any]:
        name = request["EndpointName"]
        endpoint = common.arn(call, TYPE, name)
        doc: dict[str, Any] = {"EndpointName": name, "EndpointArn": endpoint}
        doc["EndpointConfigName"] = request["EndpointConfigName"]
        doc |= {"EndpointStatus": "Creating", "CreationTime": call.now, "LastModifiedTime": call.now}
        private: dict[str, Any] = {
            "tags": common.tags(request),
            "fleets": [],
            "fleet": None,
            "pending": None,
            "replicas": {},
        }
        with call.writing() as tx:
            variants = _planned(tx, call, request["EndpointConfigName"])
            records.create(tx, call, TYPE, name, doc | {"_": private})
            rollouts.begin(
                tx,
                call,
                doc | {"_": private},
                request["EndpointConfigName"],
                variants,
                rollouts.deployment(request, {}),
            )
        return {"EndpointArn": endpoint}

    async def describe_endpoint(self, call: Call, request: DescribeEndpointInput) -> dict[str, Any]:
        """A fresh change is held until it has ended, for a while."""

        def read(tx: Transaction) -> dict[str, Any]:
            return records.find(tx, call, TYPE, request["EndpointName"])

        return await common.hold(
            call, read, lambda doc: doc["EndpointStatus"] not in UNDER_WAY, since="LastModifiedTime"
        )

    def list_endpoints(self, call: Call, request: ListEndpointsInput) -> dict[str, Any]:
        return common.listed(call, TYPE, request, "Endpoints", "EndpointName", "EndpointStatus")

    def update_endpoint(self, call: Call, request: UpdateEndpointInput) -> dict[str, Any]:
        with call.writing() as tx:
            doc = _settled(tx, call, request["EndpointName"])
            variants = _planned(tx, call, request["EndpointConfigName"])
            if request.get("RetainAllVariantProperties"):
                _retain(variants, doc, request.get("ExcludeRetainedVariantProperties", []))
            rollouts.begin(tx, call, doc, request["EndpointConfigName"], variants, rollouts.deployment(request, doc))
        return {"EndpointArn": doc["EndpointArn"]}

    def update_endpoint_weights_and_capacities(
        self, call: Call, request: UpdateEndpointWeightsAndCapacitiesInput
    ) -> dict[str, Any]:
        with call.writing() as tx:
            doc = _settled(tx, call, request["EndpointName"])
            changes = capacities.changed(doc, request["DesiredWeightsAndCapacities"], call.now)
            tx.update(call.key(TYPE, doc["EndpointName"]), call.now, **changes)
        return {"EndpointArn": doc["EndpointArn"]}

    def delete_endpoint(self, call: Call, request: DeleteEndpointInput) -> None:
        """The record first: from then on nothing is served, and then the replicas are stopped."""
        with call.writing() as tx:
            doc = _settled(tx, call, request["EndpointName"], ("InService", "Failed"))
            capacity.empty(tx, call, doc)
            key, private = call.key(TYPE, doc["EndpointName"]), doc["_"]
            if not private["fleets"]:
                return tx.delete(key)
            tx.update(key, call.now, EndpointStatus="Deleting", _=private | {"replicas": {}})
            for task in private["fleets"]:
                tx.stop(records.fleet_key(call.account, call.region, doc["EndpointName"], task), call.now)


def _settled(tx: Transaction, call: Call, name: str, allowed: tuple[str, ...] = ("InService",)) -> dict[str, Any]:
    doc = records.find(tx, call, TYPE, name)
    if doc["EndpointStatus"] == "Deleting":
        raise records.missing(call, TYPE, name)
    if doc["EndpointStatus"] in UNDER_WAY:
        raise invalid(f'Cannot update in-progress endpoint "{doc["EndpointArn"]}".')
    if doc["EndpointStatus"] not in allowed:
        raise invalid(f'Cannot update endpoint "{doc["EndpointArn"]}" in status {doc["EndpointStatus"]}.')
    return doc


def _planned(tx: Transaction, call: Call, config: str) -> list[dict[str, Any]]:
    """What each variant runs, taken down now: models and configurations may be deleted while an endpoint lives."""
    doc = records.find(tx, call, "endpoint-config", config)
    variants = [_plan(tx, call, variant, doc) for variant in doc["ProductionVariants"]]
    variants += [_plan(tx, call, each, doc) | {"shadow": True} for each in doc.get("ShadowProductionVariants", [])]
    if any("shadow" in variant for variant in variants) and any(variant["routing"] for variant in variants):
        raise invalid("ShadowProductionVariants can be given for models with a single container and model only.")
    if len({variant["role"] for variant in variants}) > 1:
        raise invalid("Models with different execution roles on one endpoint are not offered yet.")
    return variants


def _plan(tx: Transaction, call: Call, variant: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    if "ModelName" not in variant:
        return capacity.plan(variant, config)
    model = records.find(tx, call, "model", variant["ModelName"])
    first, *others = containers.plans(model)
    return {
        "name": variant["VariantName"],
        "type": variant.get("InstanceType", ""),
        "count": variant.get("InitialInstanceCount", 0),
        "weight": variant["InitialVariantWeight"],
        "patience": variant.get("ContainerStartupHealthCheckTimeoutInSeconds", 240),
        "download": variant.get("ModelDataDownloadTimeoutInSeconds"),
        "strategy": variant.get("RoutingConfig"),
        **first,
        "others": others,
        "routing": containers.routing(model) | asynchronous.routing(config, model),
        "isolated": model["EnableNetworkIsolation"],
        "role": model.get("ExecutionRoleArn", ""),
    } | serverless.plan(variant)


def _retain(variants: list[dict[str, Any]], doc: dict[str, Any], excluded: Sequence[Mapping[str, Any]]) -> None:
    """Variants that stay keep their number of instances and their weight, unless that property is excluded."""
    now = {variant["VariantName"]: variant for variant in documents.described(doc)}
    members = {"DesiredInstanceCount": "count", "DesiredWeight": "weight"}
    for property in {each["VariantPropertyType"] for each in excluded}:
        members.pop(property, None)
    for variant in variants:
        if variant["name"] in now:
            variant |= {own: now[variant["name"]][member] for member, own in members.items()}
