"""How one request finds its program: which sockets, under which path, with which body.

Most endpoints have one way, POST /invocations to any replica. What differs is prepared here, before anything is sent:
a model is loaded, the containers before the last one are asked, a serverless worker is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from skylab.services.call import Call
from skylab.services.sagemaker_runtime import chains, multimodel, serverless
from skylab.services.sagemaker_runtime.routes import Route
from skylab.wire.errors import AwsError

NOT_YET = ("EnableExplanations", "PrefixAwareId")
ASIDE = ("TargetModel", "TargetContainerHostname", "InferenceComponentName", *NOT_YET)


NAMELESS = (
    "Inference Component Name header is required for endpoints to which you plan to deploy inference components. "
    "Please include Inference Component Name header or consider using SageMaker models."
)


def nothing() -> None:
    """Nobody waits to be told that a request has ended."""


@dataclass(frozen=True)
class Way:
    """sockets: any of them will do. host: the container's name in errors. left: called once, when all is over.
    once: something has been asked on the way already, so that it is not begun again."""

    sockets: list[str]
    body: bytes
    request: Mapping[str, Any]
    url: str = "/invocations"
    host: str = "primary"
    left: Callable[[], None] = nothing
    once: bool = False


async def way(call: Call, request: Mapping[str, Any], body: bytes, route: Route) -> Way:
    """Raises AwsError."""
    sockets, beside = route.sockets, route.beside
    _fits(request, beside)
    if "serverless" in beside:
        socket, left = await serverless.ready(call, request, route)
        return Way([socket], body, request, left=left)
    if "models" in beside:
        name, socket, left = await multimodel.ready(
            call, request["EndpointName"], request["TargetModel"], sockets, beside
        )
        return Way([socket], body, request, f"/models/{name}/invoke", "model", left)
    if "chain" in beside and beside["direct"]:
        host = request["TargetContainerHostname"]
        number = beside["chain"].index(host)
        return Way([beside["chains"][socket][number] for socket in sockets], body, request, host=host)
    if "chain" in beside:
        return await _pipeline(call, request, body, sockets, beside)
    return Way(sockets, body, request)


async def _pipeline(
    call: Call, request: Mapping[str, Any], body: bytes, sockets: list[str], beside: Mapping[str, Any]
) -> Way:
    """Serial: all containers but the last one are asked here, on one instance."""
    if not (chosen := call.part["pool"].here().choose(sockets)[:1]):
        return Way([], body, request)
    *before, last = beside["chains"][chosen[0]]
    for host, socket in zip(beside["chain"], before, strict=False):
        body, content_type = await chains.asked(call, request, body, socket, host)
        request = {**request, "ContentType": content_type}
    return Way([last], body, request, host=beside["chain"][-1], once=True)


def _fits(request: Mapping[str, Any], beside: Mapping[str, Any]) -> None:
    """Raises AwsError where a header does not go with the endpoint, or is missing."""
    name = request["EndpointName"]
    for member in NOT_YET:
        if member in request:
            raise AwsError("ValidationError", f"{member} is not offered yet.")
    if "capacity" in beside:
        raise AwsError("ValidationError", NAMELESS)
    if "async" in beside:
        raise AwsError("ValidationError", f"Endpoint {name} is asynchronous: it is invoked by InvokeEndpointAsync.")
    if "models" in beside and "TargetModel" not in request:
        raise AwsError("ValidationError", f"Endpoint {name} hosts several models: the TargetModel header is required.")
    if "models" not in beside and "TargetModel" in request:
        raise AwsError("ValidationError", f"Endpoint {name} is no multi-model endpoint: TargetModel cannot be given.")
    direct, host = beside.get("direct", False), request.get("TargetContainerHostname")
    if direct and host is None:
        raise AwsError(
            "ValidationError", f"Endpoint {name} is invoked directly: the TargetContainerHostname header is required."
        )
    if host is not None and not direct:
        raise AwsError(
            "ValidationError", f"Endpoint {name} is not invoked directly: TargetContainerHostname cannot be given."
        )
    if direct and host not in beside["chain"]:
        raise AwsError("ValidationError", f"Container {host} of endpoint {name} not found.")
