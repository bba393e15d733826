"""InvokeEndpoint and its streaming sister: choose a variant and a replica, pass the request on, answer for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from skylab.services.call import Call
from skylab.services.sagemaker_runtime import captured, routes, ways
from skylab.services.sagemaker_runtime.connection import Broken, Connection
from skylab.services.sagemaker_runtime.failures import LATE, in_time, refused
from skylab.services.sagemaker_runtime.heads import head
from skylab.services.sagemaker_runtime.routes import Route
from skylab.services.sagemaker_runtime.ways import ASIDE, Way
from skylab.wire import eventstream
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sagemaker_runtime import *

log = logging.getLogger(__name__)

TIMEOUT = 60.0  # seconds that AWS gives a container to answer
STREAM_TIMEOUT = 480.0  # and to finish an answer that it streams
ROUTES = 3  # looks at who serves, where nobody of those can be reached
MOST = 6291456  # bytes of a payload, the model's limit of BodyBlob
RETURNED = {
    "ContentType": "content-type",
    "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
    "NewSessionId": "x-amzn-sagemaker-new-session-id",
    "ClosedSessionId": "x-amzn-sagemaker-closed-session-id",
}


class Invocations:
    async def invoke_endpoint(self, call: Call, request: InvokeEndpointInput) -> dict[str, Any]:
        sent = await _whole(request.get("Body", b""))
        route, path, connection, way = await _sent(call, request, sent)
        try:
            body = await in_time(call, request, connection.rest(), TIMEOUT, way.host)
        except BaseException:
            connection.close()
            raise
        finally:
            call.part["pool"].here().give_back(path, connection)
            way.left()
        if connection.status != 200:
            raise refused(call, request, connection.status, body, way.host)
        if route.capture:
            await _captured(call, request, route, route.variant, sent, body, connection.headers.get("content-type"))
        return _members(connection, route.variant) | {"Body": body}

    async def invoke_endpoint_with_response_stream(
        self, call: Call, request: InvokeEndpointWithResponseStreamInput
    ) -> dict[str, Any]:
        body = await _whole(request.get("Body", b""))
        route, path, connection, way = await _sent(call, request, body, streaming=True)
        try:
            await in_time(call, request, connection.begun(), TIMEOUT, way.host)
            if connection.status != 200:
                said = await in_time(call, request, connection.rest(), TIMEOUT, way.host)
                raise refused(call, request, connection.status, said, way.host)
        except BaseException:
            connection.close()
            call.part["pool"].here().give_back(path, connection)
            way.left()
            raise
        members = _members(connection, route.variant)
        return members | {"Body": _events(call, path, connection, way)}


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
) -> tuple[Route, str, Connection, Way]:
    """(route, socket, connection on which the request went out, its way). Another replica is tried only where nothing
    was sent, since a request that was received may have been acted upon."""
    pool, tried, variant = call.part["pool"].here(), set[str](), ""
    aside = any(member in request for member in ASIDE)
    for _ in range(ROUTES):
        route = routes.find(call, request)
        variant, plain = route.variant, not (aside or route.beside)
        way = Way(route.sockets, body, request) if plain else await ways.way(call, request, body, route)
        order = _drawn(call, way.sockets) if route.random else pool.choose(way.sockets)
        for path in [path for path in order[:2] if path not in tried]:
            try:
                connection = await pool.borrow(path)
            except OSError as problem:
                log.warning("%s cannot be reached: %r", path, problem)
                tried.add(path)  # if it has been replaced meanwhile, the route says so now
                continue
            except BaseException:
                way.left()
                raise
            sent = head(way.request, len(way.body), way.url)
            connection.send(sent, way.body, streaming)
            if route.shadow:
                _copy(call, request, route, sent, body)
            return route, path, connection, way
        way.left()
        if way.once:
            break
    raise AwsError("ServiceUnavailable", f"Variant {variant} of endpoint {request['EndpointName']} has no instance.")


def _drawn(call: Call, sockets: list[str]) -> list[str]:
    """Beginning with one that is drawn by lot."""
    first = int(call.ids.new(), 16) % len(sockets) if sockets else 0
    return sockets[first:] + sockets[:first]


def _copy(call: Call, request: Mapping[str, Any], route: Route, head: bytes, body: bytes) -> None:
    """The same request to the shadow; what it answers is only ever captured."""
    assert route.shadow
    variant = route.shadow.variant

    async def done(answer: bytes, type: str | None) -> None:
        if route.capture:
            await _captured(call, request, route, variant, body, answer, type)

    call.part["shadows"].send(call.part["pool"].here(), route.shadow.sockets, head, body, TIMEOUT, done)


async def _captured(
    call: Call, request: Mapping[str, Any], route: Route, variant: str, body: bytes, answer: bytes, type: str | None
) -> None:
    """In a file before the caller is answered: a record of what was acknowledged is never lost."""
    assert route.capture
    line = captured.record(route.capture, request, call.request_id, call.now, body, answer, type)
    await call.part["spool"].write(route.capture["fleet"], variant, call.now, line, call.request_id)


def _members(connection: Connection, variant: str) -> dict[str, Any]:
    found = {member: connection.headers[header] for member, header in RETURNED.items() if header in connection.headers}
    return found | {"InvokedProductionVariant": variant}


async def _events(call: Call, path: str, connection: Connection, way: Way) -> AsyncIterator[bytes]:
    """Each piece of the answer as an event; a break in the middle as the exception that the SDKs raise."""
    pieces, until = connection.pieces(), asyncio.get_running_loop().time() + STREAM_TIMEOUT
    try:
        while (piece := await _next(pieces, until)) is not None:
            yield eventstream.event("PayloadPart", piece, "application/octet-stream")
    except (Broken, TimeoutError) as problem:
        connection.close()
        yield _exception("ModelStreamError", str(problem) or LATE.format(way.host))
    except BaseException:
        connection.close()
        raise
    finally:
        call.part["pool"].here().give_back(path, connection)
        way.left()


async def _next(pieces: AsyncIterator[bytes], until: float) -> bytes | None:
    async with asyncio.timeout_at(until):
        return await anext(pieces, None)


def _exception(kind: str, message: str) -> bytes:
    headers = {":message-type": "exception", ":exception-type": kind, ":content-type": "application/json"}
    payload = orjson.dumps({"Message": message, "ErrorCode": "StreamBroken"})
    return eventstream.encode(headers, payload)
