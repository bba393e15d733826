"""The work behind asynchronous endpoints: one task an endpoint, as long as it has requests; the oldest go first.

A request is a document until its answer, or its failure, is in S3: then it is deleted. Who is killed in between does it
again, unless the object is there; so a request may be computed twice, and is never lost or answered twice.

    asked       began is written down, then the input is streamed from S3 to an instance, the answer to a file
    answered    the file goes to OutputLocation in one piece
    forgotten   the document goes
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from itertools import islice
from typing import Any

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Task
from skylab.services.sagemaker_runtime.asynchronous import REQUEST, TIMEOUT, TTL, endpoint_key
from skylab.services.sagemaker_runtime.errand import Broken, Errand, Unreachable

log = logging.getLogger(__name__)

AT_ONCE = 4  # requests of an instance, where the configuration names no number
LOOK = 0.25  # seconds between two looks where all that can be done is being done
BREAKS = 3  # instances that may end under a request before it is a failure


class Queue:
    def __init__(self, world: World) -> None:
        self.world = world
        self._own: dict[str, str] = {}  # the instance that each request of ours was given to

    def advance(self, task: Task, now: datetime) -> float | None:
        key = endpoint_key(task.target)
        with self.world.store.reading() as tx:
            endpoint = tx.find(key)
            room = _room(endpoint)
            found = tx.all(*task.target[:3], REQUEST, f"{task.target.name}/")
            requests = list(islice(found, max(sum(room.values()), 1)))
        if not requests:
            return self._end(task)
        if endpoint is None or endpoint["EndpointStatus"] in ("Deleting", "Failed"):
            self._fail(task, requests[0], "The endpoint was deleted before the request was processed.")
            return None
        moved = [self._look(task, request, room, now) for request in requests]
        return None if any(moved) else LOOK

    def _look(self, task: Task, request: dict[str, Any], room: dict[str, int], now: datetime) -> bool:
        """Whether something has changed."""
        id = request["_"]["id"]
        if reason := request["_"].get("failed"):
            self._fail(task, request, reason)
            return False
        if "began" not in request["_"] and now.timestamp() > _expires(request):
            reason = "The request expired: it was not processed within RequestTTLSeconds."
            self._note(task, request, now, failed=reason)
            return True
        if id not in self._own:
            taken = Counter(self._own.values())
            free = sorted((socket for socket in room if taken[socket] < room[socket]), key=lambda each: taken[each])
            if not free:
                return False
            again = "began" in request["_"]
            if not again:
                self._note(task, request, now, began=now.timestamp())
            self._own[id] = free[0]
            request["_"]["again"] = again
        return self._collect(task, request, now)

    def _collect(self, task: Task, request: dict[str, Any], now: datetime) -> bool:
        id = request["_"]["id"]
        errand = Errand(self.world, task.target.region, request, self._own[id])
        seconds = request.get("InvocationTimeoutSeconds", TIMEOUT)
        try:
            if not self.world.background.done(id, lambda: errand.run(seconds), alone=True):
                return False
            self._forget(task, request)
        except Unreachable:
            pass  # nothing was sent: another instance is asked at the next look
        except Broken as problem:
            breaks = request["_"].get("breaks", 0) + 1
            self._note(task, request, now, breaks=breaks, **({"failed": str(problem)} if breaks == BREAKS else {}))
        self._own.pop(id, None)
        return True

    def _fail(self, task: Task, request: dict[str, Any], reason: str) -> None:
        id = f"{request['_']['id']}/failure"
        errand = Errand(self.world, task.target.region, request, "")
        if self.world.background.done(id, lambda: errand.fail(reason)):
            self._forget(task, request)

    def _note(self, task: Task, request: dict[str, Any], now: datetime, **news: Any) -> None:
        request["_"] |= news
        with self.world.store.writing() as tx:
            kept = {name: value for name, value in request["_"].items() if name != "again"}
            tx.put(_key(task, request), request | {"_": kept}, now)

    def _forget(self, task: Task, request: dict[str, Any]) -> None:
        with self.world.store.writing() as tx:
            tx.delete(_key(task, request))

    def _end(self, task: Task) -> float | None:
        """Unless a request has come meanwhile: it would have found this task."""
        with self.world.store.writing() as tx:
            if not any(tx.all(*task.target[:3], REQUEST, f"{task.target.name}/")):
                tx.move(task.id, "ended")
        return None


def _room(endpoint: dict[str, Any] | None) -> dict[str, int]:
    """How many requests each instance takes."""
    if endpoint is None:
        return {}
    client = endpoint.get("AsyncInferenceConfig", {}).get("ClientConfig", {})
    most = client.get("MaxConcurrentInvocationsPerInstance", AT_ONCE)
    return {socket: most for sockets in endpoint["_"]["replicas"].values() for socket in sockets}


def _expires(request: dict[str, Any]) -> float:
    received: datetime = request["ReceivedTime"]
    return received.timestamp() + float(request.get("RequestTTLSeconds", TTL))


def _key(task: Task, request: dict[str, Any]) -> Key:
    at, id = request["ReceivedTime"].timestamp(), request["_"]["id"]
    return task.target._replace(type=REQUEST, name=f"{task.target.name}/{at:017.6f}-{id}")
