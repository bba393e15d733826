"""HTTP in, HTTP out: the ASGI application over the gateway. Bodies stream in both directions."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from skylab.gateway.app import Gateway
from skylab.wire.http import HttpRequest, HttpResponse, Stream

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Receiving:
    """receive, and whether anybody asked it for the body."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self.asked = receive, False

    async def __call__(self) -> dict[str, Any]:
        self.asked = True
        return await self._receive()


class App:
    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        receiving = Receiving(receive)
        try:
            response = await self.gateway.handle(_request(scope, receiving))
        except ConnectionResetError:
            return  # nobody is there to be answered
        if not receiving.asked and any(name == b"expect" for name, _ in scope["headers"]):
            # The client was never told to go on, so it sends no body, and what it sends next must not be taken for one.
            response.headers["connection"] = "close"
        await _start(response, send)
        await _body(response.body, send)


def _request(scope: dict[str, Any], receive: Receive) -> HttpRequest:
    headers: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return HttpRequest(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=_received(receive) if has_body else b"",
        source=(scope.get("client") or ("127.0.0.1",))[0],
        secure=scope.get("scheme") == "https",
    )


async def _received(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away in the middle of its body")
        if piece := message.get("body", b""):
            yield piece
        more = message.get("more_body", False)


async def _start(response: HttpResponse, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    length = _length(response)
    if length is not None and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


def _length(response: HttpResponse) -> int | None:
    if response.status in (204, 304):
        return None
    return len(response.body) if isinstance(response.body, bytes) else None


async def _body(body: bytes | Stream, send: Send) -> None:
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": body})
        return
    async for piece in body:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
