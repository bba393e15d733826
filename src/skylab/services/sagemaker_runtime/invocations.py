"""InvokeEndpoint and its streaming sister: choose a variant and a replica, pass the request on, answer for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from skylab.services.call import Call
from skylab.services.sagemaker_runtime.connection import Broken, Connection
from skylab.wire import eventstream
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sagemaker_runtime import *

T = TypeVar("T")
log = logging.getLogger(__name__)

TIMEOUT = 60.0  # seconds that AWS gives a container to answer
STREAM_TIMEOUT = 480.0  # and to finish an answer that it streams
ROUTES = 3  # looks at who serves, where nobody of those can be reached
MOST = 6291456  # bytes of a payload, the model's limit of BodyBlob
SHOWN = 1024  # characters of a container's answer in an error
LATE = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
NOT_YET = ("TargetModel", "TargetContainerHostname", "EnableExplanations", "InferenceComponentName")
PASSED_ON = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
    "SessionId": "X-Amzn-SageMaker-Session-Id",
}
RETURNED = {
    "ContentType": "content-type",
    "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
    "NewSessionId": "x-amzn-sagemaker-new-session-id",
    "ClosedSessionId": "x-amzn-sagemaker-closed-session-id",
}


class Invocations:
    async def invoke_endpoint(self, call: Call, request: InvokeEndpointInput) -> dict[str, Any]:
        variant, path, connection = await _sent(call, request, await _whole(request.get("Body", b"")))
        try:
            body = await _in_time(call, request, connection.rest(), TIMEOUT)
        except BaseException:
            connection.close()
            raise
        finally:
            call.part["pool"].here().give_back(path, connection)
        if connection.status != 200:
            raise _refused(call, request, connection.status, body)
        return _members(connection, variant) | {"Body": body}

    async def invoke_endpoint_with_response_stream(
        self, call: Call, request: InvokeEndpointWithResponseStreamInput
    ) -> dict[str, Any]:
        variant, path, connection = await _sent(call, request, await _whole(request.get("Body", b"")), streaming=True)
        try:
            await _in_time(call, request, connection.begun(), TIMEOUT)
            if connection.status != 200:
                body = await _in_time(call, request, connection.rest(), TIMEOUT)
                raise _refused(call, request, connection.status, body)
        except BaseException:
            connection.close()
            call.part["pool"].here().give_back(path, connection)
            raise
        members = _members(connection, variant)
        return members | {"Body": _events(call, path, connection)}


async def _whole(body: Any) -> bytes:
    """Raises AwsError for a payload that is too long."""
    whole: bytes = body if isinstance(body, bytes) else b""
    if not isinstance(body, bytes):
        async for part in body:
            whole += part
            if len(whole) > MOST:
                break
    if len(whole) > MOST:
        raise AwsError(
            "ValidationError",
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MOST}",
        )
    return whole


async def _sent(
    call: Call, request: Mapping[str, Any], body: bytes, streaming: bool = False
) -> tuple[str, str, Connection]:
    """(variant, socket, connection on which the request went out). Another replica is tried only where nothing was
    sent, since a request that was received may have been acted upon."""
    for name in NOT_YET:
        if name in request:
            raise AwsError("ValidationError", f"{name} is not offered yet.")
    pool, tried, variant = call.part["pool"].here(), set[str](), ""
    for _ in range(ROUTES):
        variant, sockets = _route(call, request)
        for path in [path for path in pool.choose(sockets)[:2] if path not in tried]:
            try:
                connection = await pool.borrow(path)
            except OSError as problem:
                log.warning("%s cannot be reached: %r", path, problem)
                tried.add(path)  # if it has been replaced meanwhile, the route says so now
                continue
            connection.send(_head(request, len(body)), body, streaming)
            return variant, path, connection
    raise AwsError("ServiceUnavailable", f"Variant {variant} of endpoint {request['EndpointName']} has no instance.")


def _route(call: Call, request: Mapping[str, Any]) -> tuple[str, list[str]]:
    name = request["EndpointName"]
    key = call.key("endpoint", name)._replace(service="sagemaker")
    with call.reading() as tx:
        doc = tx.find(key)
    if doc is None or not doc["_"]["fleet"] or doc["EndpointStatus"] == "Deleting":
        raise AwsError("ValidationError", f"Endpoint {name} of account {call.account} not found.")
    weights = {each["VariantName"]: each["CurrentWeight"] for each in doc["ProductionVariants"]}
    variant = request.get("TargetVariant") or call.part["turns"].next(key, weights)
    if variant not in weights:
        raise AwsError("ValidationError", f"Variant {variant} of endpoint {name} not found.")
    return variant, doc["_"]["replicas"].get(variant, [])


def _head(request: Mapping[str, Any], size: int) -> bytes:
    lines = ["POST /invocations HTTP/1.1", "Host: model.aws.local:8080", f"Content-Length: {size}"]
    for member, header in PASSED_ON.items():
        if member in request:
            lines.append(f"{header}: {_one_line(request[member])}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")


def _members(connection: Connection, variant: str) -> dict[str, Any]:
    found = {member: connection.headers[header] for member, header in RETURNED.items() if header in connection.headers}
    return found | {"InvokedProductionVariant": variant}


async def _in_time(call: Call, request: Mapping[str, Any], answer: Awaitable[T], seconds: float) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        raise _model_error(call, request["EndpointName"], 0, LATE) from None
    except Broken as problem:
        raise _model_error(call, request["EndpointName"], 500, str(problem)) from None


def _refused(call: Call, request: Mapping[str, Any], status: int, body: bytes) -> AwsError:
    return _model_error(call, request["EndpointName"], status, body.decode(errors="replace"))


def _model_error(call: Call, name: str, status: int, text: str) -> AwsError:
    side = "client" if 400 <= status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{name}"
    console = f"https://{call.region}.console.aws.amazon.com/cloudwatch/home?region={call.region}"
    return AwsError(
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{text[:SHOWN]}". '
        f"See {console}#logEventViewer:group={group} in account {call.account} for more information.",
        OriginalStatusCode=status,
        OriginalMessage=text[:SHOWN],
        LogStreamArn=f"arn:aws:logs:{call.region}:{call.account}:log-group:{group}",
    )


async def _events(call: Call, path: str, connection: Connection) -> AsyncIterator[bytes]:
    """Each piece of the answer as an event; a break in the middle as the exception that the SDKs raise."""
    pieces, until = connection.pieces(), asyncio.get_running_loop().time() + STREAM_TIMEOUT
    try:
        while (piece := await _next(pieces, until)) is not None:
            yield eventstream.event("PayloadPart", piece, "application/octet-stream")
    except (Broken, TimeoutError) as problem:
        connection.close()
        yield _exception("ModelStreamError", str(problem) or LATE)
    except BaseException:
        connection.close()
        raise
    finally:
        call.part["pool"].here().give_back(path, connection)


async def _next(pieces: AsyncIterator[bytes], until: float) -> bytes | None:
    async with asyncio.timeout_at(until):
        return await anext(pieces, None)


def _exception(kind: str, message: str) -> bytes:
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    payload = orjson.dumps({"Message": message, "ErrorCode": "StreamBroken"})
    return eventstream.encode(headers, payload)
