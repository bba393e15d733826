"""Which instance each copy has: what it requires is taken from the instance, and no more is given than there is.

The instances of an endpoint that hosts components are no processes but room: processors, memory, accelerators.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skylab.compute.instances import instance
from skylab.kernel.store import Transaction

Doc = dict[str, Any]
Room = dict[str, float]
MEMBERS = {
    "cpus": "NumberOfCpuCoresRequired",
    "memory": "MinMemoryRequiredInMb",
    "gpus": "NumberOfAcceleratorDevicesRequired",
}
FULL = (
    "Unable to place {} of {} copies of inference component {}: not enough hardware resources on the instances of the "
    "endpoint. Please make sure that it has enough CPU cores, memory and accelerators, or add instances."
)


def needs(specification: Mapping[str, Any]) -> Room:
    given = specification["ComputeResourceRequirements"]
    return {kind: float(given.get(member, 0)) for kind, member in MEMBERS.items()}


def rooms(tx: Transaction, endpoint: Mapping[str, Any], component: Mapping[str, Any]) -> dict[int, Room]:
    """What the other components leave of each instance of the component's variant."""
    variant = component["VariantName"]
    host = endpoint["_"]["serving"]["routes"][variant]["capacity"]
    kind = instance(host["type"])
    (own,) = (each for each in endpoint["ProductionVariants"] if each["VariantName"] == variant)
    whole = {
        "cpus": float(kind.vcpus or 1),
        "memory": (kind.memory or 4.0) * 1024,
        "gpus": float(kind.gpus or 0),
    }
    found = {number: dict(whole) for number in range(own["DesiredInstanceCount"])}
    for other in others(tx, component):
        if other["VariantName"] == variant:
            for number in other["_"]["placed"].values():
                _take(found, number, needs(other["Specification"]))
    return found


def others(tx: Transaction, component: Mapping[str, Any]) -> list[Doc]:
    account, region = component["InferenceComponentArn"].split(":")[4], component["InferenceComponentArn"].split(":")[3]
    every = tx.all(account, region, "sagemaker", "inference-component")
    return [
        each
        for each in every
        if each["EndpointName"] == component["EndpointName"]
        and each["InferenceComponentName"] != component["InferenceComponentName"]
    ]


def placed(room: dict[int, Room], component: Mapping[str, Any], slots: list[str]) -> dict[str, int]:
    """The instance of each slot; those that find none are left out. Who has one keeps it while it is there."""
    wanted, before = needs(component["Specification"]), component["_"]["placed"]
    packed = component["Specification"].get("SchedulingConfig", {}).get("PlacementStrategy") == "BINPACK"
    chosen: dict[str, int] = {}
    for slot in sorted(slots, key=lambda slot: slot not in before):
        fitting = [number for number in room if all(room[number][kind] >= wanted[kind] for kind in wanted)]
        if before.get(slot) in fitting:
            chosen[slot] = before[slot]
        elif fitting:
            order = sorted(fitting, key=lambda number: (room[number]["memory"], room[number]["cpus"]))
            chosen[slot] = order[0] if packed else order[-1]
        else:
            continue
        _take(room, chosen[slot], wanted)
    return chosen


def _take(room: dict[int, Room], number: int, wanted: Room) -> None:
    if number in room:
        room[number] = {kind: room[number][kind] - wanted[kind] for kind in wanted}
