"""Serverless endpoints: a worker has one request at a time; where none is free, one is asked for and waited for.

How many requests there are is counted in memory. How many workers that takes is written into the endpoint's document,
for as long as they are to be kept, and again every now and then while there are requests: the fleet reads it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from skylab.kernel.clock import expired, patience
from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.services.sagemaker_runtime import routes
from skylab.services.sagemaker_runtime.routes import Route
from skylab.wire.errors import AwsError

PATIENCE = 60.0  # seconds for a cold start
LOOK = 0.02  # seconds between two looks for a worker
OFTEN = 4  # times that the demand is written while the last one lasts


@dataclass
class Load:
    """Of one variant. peak: the most requests since the demand was told."""

    requests: int = 0
    peak: int = 0
    told: int = 0
    at: float = 0.0
    busy: set[str] = field(default_factory=set)


class Workers:
    """Both event loops share it."""

    def __init__(self) -> None:
        self._loads: dict[tuple[Key, str], Load] = {}
        self._lock = threading.Lock()

    def enter(self, key: Key, variant: str, most: int) -> Load | None:
        """None where there are as many requests as there may be."""
        with self._lock:
            load = self._loads.setdefault((key, variant), Load())
            if load.requests >= most:
                return None
            load.requests += 1
            load.peak = max(load.peak, load.requests)
            return load

    def leave(self, load: Load, socket: str = "") -> None:
        with self._lock:
            load.requests -= 1
            load.busy.discard(socket)

    def claim(self, load: Load, sockets: list[str]) -> str | None:
        with self._lock:
            if (free := next((socket for socket in sockets if socket not in load.busy), None)) is not None:
                load.busy.add(free)
            return free

    def untold(self, load: Load, at: float, keep: float) -> int | None:
        """How many workers to ask for; None where that was done."""
        with self._lock:
            if load.requests <= load.told and at - load.at < keep / OFTEN:
                return None
            load.told, load.peak, load.at = max(load.peak, load.requests), load.requests, at
            return load.told


async def ready(call: Call, request: Mapping[str, Any], route: Route) -> tuple[str, Callable[[], None]]:
    """(a worker's socket, what to call when it is free again).

    Raises AwsError: ThrottlingException beyond MaxConcurrency, ModelNotReadyException where no worker comes up."""
    workers: Workers = call.part["workers"]
    key = call.key("endpoint", request["EndpointName"])._replace(service="sagemaker")
    load = workers.enter(key, route.variant, route.beside["serverless"]["MaxConcurrency"])
    if load is None:
        raise AwsError("ThrottlingException", "Rate exceeded", 429)
    try:
        socket = await _worker(call, request, route, workers, load, key)
    except BaseException:
        workers.leave(load)
        raise
    return socket, lambda: workers.leave(load, socket)


async def _worker(call: Call, request: Mapping[str, Any], route: Route, workers: Workers, load: Load, key: Key) -> str:
    begun, deadline, keep = patience(0), patience(PATIENCE), call.settings.serverless_keep_seconds
    while True:
        at = call.now.timestamp() + patience(0) - begun  # a cold start may outlast what was told
        if (count := workers.untold(load, at, keep)) is not None:
            _tell(call, key, route.variant, count, at + keep)
        if (socket := workers.claim(load, route.sockets)) is not None:
            return socket
        if expired(deadline):
            words = f"Endpoint {request['EndpointName']} is still being provisioned. Please try again later."
            raise AwsError("ModelNotReadyException", words)
        await asyncio.sleep(LOOK)
        route = routes.find(call, {"EndpointName": request["EndpointName"], "TargetVariant": route.variant})


def _tell(call: Call, key: Key, variant: str, count: int, until: float) -> None:
    with call.writing() as tx:
        doc = tx.get(key)
        demand = doc["_"].get("demand", {}) | {variant: {"count": count, "until": until}}
        tx.put(key, doc | {"_": doc["_"] | {"demand": demand}}, call.now)
