"""Who gets an endpoint's traffic: the fleet writes it into the endpoint's document, every invocation reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from skylab.compute.world import World
from skylab.kernel.store import Task
from skylab.services.sagemaker.hosting import serverless
from skylab.services.sagemaker.hosting.replicas import Replica, parts

Known = dict[str, dict[str, Any]]


def slots(index: int, number: int, variant: dict[str, Any]) -> list[str]:
    """The containers of one instance of a variant; the slot of the first stands for all."""
    first = f"{index}-{number}"
    return [first, *(f"{first}-{container}" for container in range(1, 1 + len(variant.get("others", []))))]


def serving(task: Task, known: Known) -> Known:
    """The instances of which every container is well, by the slot of the first; those that may hang come last."""
    whole = {}
    for slot, each in known.items():
        index, container = parts(slot)
        number = int(slot.split("-")[1])
        all_slots = slots(index, number, task.data["variants"][index])
        if not container and all(known.get(name, {}).get("state") == "healthy" for name in all_slots):
            unwell = next((known[name]["unwell"] for name in all_slots if known[name].get("unwell")), None)
            whole[slot] = each | {"unwell": unwell}
    return dict(sorted(whole.items(), key=lambda item: bool(item[1]["unwell"])))


def routes(task: Task, known: Known, world: World) -> dict[str, dict[str, Any]]:
    """What an invocation has to know of a variant beside its sockets; nothing of a variant that is plain.

    routing as containers.py plans it; with it, by the socket of an instance: chains, the sockets of its containers, or
    folders, what a multi-model container sees as /opt/ml, and under which name it sees that.
    """
    found: dict[str, dict[str, Any]] = {}
    for index, variant in enumerate(task.data["variants"]):
        if routing := variant.get("routing"):
            own = {slot: each for slot, each in serving(task, known).items() if parts(slot)[0] == index}
            detail: dict[str, Any] = _chains(task, index, variant, own, known, world) if "chain" in routing else {}
            if "models" in routing:
                detail = {"folders": _folders(task, own, world), "sandboxed": _sandboxed(world)}
            found[variant["name"]] = routing | detail
    return found


def told(task: Task, doc: dict[str, Any], known: Known, world: World) -> Task:
    """The task with what its replicas are at the moment in what requests are told (serving)."""
    found = routes(task, known, world)
    for plan in (each for each in task.data["variants"] if "capacity" in each):
        found[plan["name"]] = {"capacity": plan["capacity"]}
    for name, given in serverless.routing(task, doc).items():
        found.setdefault(name, {})["serverless"] = given
    return replace(task, data=task.data | {"serving": task.data["serving"] | {"routes": found}}) if found else task


def _chains(task: Task, index: int, variant: dict[str, Any], own: Known, known: Known, world: World) -> dict[str, Any]:
    chains = {}
    for slot in own:
        names = slots(index, int(slot.split("-")[1]), variant)
        sockets = [str(Replica(task, name, known[name], world).socket) for name in names]
        chains[sockets[0]] = sockets
    return {"chains": chains}


def _folders(task: Task, own: Known, world: World) -> dict[str, str]:
    replicas = [Replica(task, slot, each, world) for slot, each in own.items()]
    return {str(replica.socket): str(replica.folder) for replica in replicas}


def _sandboxed(world: World) -> bool:
    """Without a sandbox a container sees /opt/ml under its real name."""
    return world.settings.sandbox != "off" and not getattr(world.processes, "unsandboxed", None)
