"""Multi-model endpoints: a model is fetched and loaded when it is first asked for, and unloaded when room is needed.

Which models an instance has, and since when nobody asked for them, is known in memory only: the container answers for
the first (GET /models) and the second is a hint. Loading happens in threads, once a model and instance at a time.

    <instance>/models/<name>/model    a model's files, kept while there is room on the instance's volume: a model that
                                      was unloaded is loaded again without being fetched
    <name>                            of the object it came from: what is replaced in S3 is not fetched again

https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from skylab.services.call import Call
from skylab.services.sagemaker_runtime.failures import model_error
from skylab.services.sagemaker_runtime.instance import Instance, NoRoom, NotLoaded, Unfetched
from skylab.wire.errors import AwsError

PATIENCE = 60.0  # seconds after which a caller is told to come back; the loading goes on
NOT_READY = "The model {} for endpoint {} is not ready for inference yet. Please try again later."


class Shelves:
    """The instances of all multi-model endpoints, by their sockets. An instance that goes never comes back under its
    old socket, so what is known of it is forgotten when its socket is not routed to any more."""

    def __init__(self) -> None:
        self._instances: dict[str, Instance] = {}
        self._loading: dict[tuple[str, str], Future[None]] = {}
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="models")

    def instance(self, socket: str, beside: Mapping[str, Any]) -> Instance:
        with self._lock:
            if (found := self._instances.get(socket)) is None:
                self._forget_gone()
                own = "/opt/ml" if beside["sandboxed"] else beside["folders"][socket]
                found = Instance(socket, beside["folders"][socket], own, beside["cached"])
                self._instances[socket] = found
            return found

    def _forget_gone(self) -> None:
        for socket in [socket for socket, each in self._instances.items() if each.gone]:
            del self._instances[socket]

    def load(self, instance: Instance, name: str, effect: Callable[[], None]) -> Future[None]:
        """The loading that is under way, or a new one."""
        key = (instance.socket, name)
        with self._lock:
            if (running := self._loading.get(key)) is None:
                running = self._loading[key] = self._threads.submit(effect)
                running.add_done_callback(lambda _: self._loading.pop(key, None))
            return running

    def later(self, effect: Callable[[], None]) -> None:
        self._threads.submit(effect)


async def ready(
    call: Call, endpoint: str, model: str, sockets: list[str], beside: Mapping[str, Any]
) -> tuple[str, str, Callable[[], None]]:
    """(the model's name in its container, the instance's socket, what to call when it is not used any more).

    An instance that has it loaded is preferred. Raises AwsError: ValidationError for a model that is not there,
    ModelNotReadyException for one that takes long, ModelError for what the container says of it."""
    url = f"{beside['models'].rstrip('/')}/{model.lstrip('/')}"
    name = hashlib.sha256(url.encode()).hexdigest()[:32]
    shelves: Shelves = call.part["shelves"]
    if not (order := call.part["pool"].here().choose(sockets)):
        raise AwsError("ServiceUnavailable", f"Endpoint {endpoint} has no instance.")
    instances = [shelves.instance(socket, beside) for socket in order]
    instance = next((each for each in instances if each.holds(name)), instances[0])
    while not instance.take(name):
        loading = shelves.load(instance, name, lambda: instance.load(name, url, lambda: _reader(call, beside)))
        await _loaded(call, endpoint, model, loading)
    return name, instance.socket, lambda: instance.leave(name, shelves.later)


def _reader(call: Call, beside: Mapping[str, Any]) -> Any:
    """S3 as the model's execution role reads it. Raises AwsError."""
    return call.become("s3", call.region, beside["role"], "SageMaker", "sagemaker.amazonaws.com")


async def _loaded(call: Call, endpoint: str, model: str, loading: Future[None]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(asyncio.wrap_future(loading))
    except TimeoutError:
        raise AwsError("ModelNotReadyException", NOT_READY.format(model, endpoint)) from None
    except Unfetched as problem:
        raise AwsError("ValidationError", str(problem)) from None
    except NoRoom as problem:
        raise model_error(call, endpoint, 507, str(problem), "model") from None
    except NotLoaded as problem:
        raise model_error(call, endpoint, problem.status, str(problem), "model") from None
