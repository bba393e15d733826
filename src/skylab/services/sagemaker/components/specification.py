"""What an inference component runs, and what it takes of an instance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any

from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import records
from skylab.services.sagemaker.hosting import containers
from skylab.wire.errors import invalid

Doc = dict[str, Any]
NOT_YET = ("BaseInferenceComponentName", "DataCacheConfig", "InstanceType")
NOT_YET_OF_NEEDS = ("AcceleratorPartitionType",)


def check(request: Mapping[str, Any]) -> None:
    """Raises AwsError."""
    records.refuse(request, ("Specifications", "DeploymentConfig"))
    given = request.get("Specification", {})
    records.refuse(given, NOT_YET)
    records.refuse(given.get("SchedulingConfig", {}), ("AvailabilityZoneBalance",))
    if needs := given.get("ComputeResourceRequirements"):
        records.refuse(needs, NOT_YET_OF_NEEDS)
        if needs.get("MaxMemoryRequiredInMb", needs["MinMemoryRequiredInMb"]) < needs["MinMemoryRequiredInMb"]:
            raise invalid("MaxMemoryRequiredInMb must be greater than or equal to MinMemoryRequiredInMb.")


def planned(tx: Transaction, call: Call, given: Mapping[str, Any], variant: str, host: Mapping[str, Any]) -> Doc:
    """What a copy runs, as fleets know variants. host: what the endpoint tells of its instances. Raises AwsError."""
    if "ComputeResourceRequirements" not in given:
        raise invalid("ComputeResourceRequirements must be given for an inference component.")
    if ("ModelName" in given) == ("Container" in given):
        raise invalid("Exactly one of ModelName and Container must be given for an inference component.")
    if "ModelName" in given:
        model = records.find(tx, call, "model", given["ModelName"])
        if containers.routing(model):
            raise invalid("A model with several containers or Mode MultiModel cannot be an inference component's.")
        (container,) = containers.plans(model)
        role, isolated = model.get("ExecutionRoleArn", host["role"]), model["EnableNetworkIsolation"]
    else:
        (container,) = containers.plans({"PrimaryContainer": _container(given["Container"])})
        role, isolated = host["role"], False
    startup = given.get("StartupParameters", {})
    return container | {
        "name": variant,
        "type": host["type"],
        "machine": _machine(given["ComputeResourceRequirements"]),
        "patience": startup.get("ContainerStartupHealthCheckTimeoutInSeconds", 240),
        "download": startup.get("ModelDataDownloadTimeoutInSeconds"),
        "others": [],
        "routing": {},
        "isolated": isolated or host["isolated"],
        "role": role,
    }


def _container(given: Mapping[str, Any]) -> Doc:
    records.refuse(given, ("ContainerMetricsConfig",))
    container = {member: given[member] for member in ("Image", "Environment") if member in given}
    container |= {"ModelDataUrl": given["ArtifactUrl"]} if "ArtifactUrl" in given else {}
    containers.check({"PrimaryContainer": container}, lambda uri: None)  # images of one's own: by a model, which pulls
    return container


def _machine(needs: Mapping[str, Any]) -> Doc:
    memory = needs.get("MaxMemoryRequiredInMb", needs["MinMemoryRequiredInMb"])
    return {"vcpus": ceil(needs.get("NumberOfCpuCoresRequired", 1)), "memory": memory / 1024}


def shown(given: Mapping[str, Any], plan: Mapping[str, Any], now: datetime) -> Doc:
    """As Describe has it."""
    summary = {member: value for member, value in given.items() if member != "Container"}
    if container := given.get("Container"):
        image = {"SpecifiedImage": plan["image"], "ResolvedImage": plan["image"], "ResolutionTime": now}
        kept = {member: container[member] for member in ("ArtifactUrl", "Environment") if member in container}
        summary["Container"] = kept | {"DeployedImage": image}
    return summary
