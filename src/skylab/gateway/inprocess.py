"""boto3 clients whose bytes reach the gateway without a socket: how one service calls another, and how tests call."""

import asyncio
import io
import sys
import threading
from collections.abc import AsyncIterator, Callable
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session

from skylab.gateway.app import Gateway
from skylab.gateway.identity import Origin
from skylab.wire.http import HttpRequest, HttpResponse, Stream
from skylab.wire.model import loader

HOST = "http://127.0.0.1:4566"
PIECE = 1024 * 1024


class Raw(io.RawIOBase):
    """What botocore reads an answer from: bytes, or an async stream pumped on the gateway's loop."""

    def __init__(self, body: bytes | Stream, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._stream = None if isinstance(body, bytes) else body
        self._left = memoryview(body if isinstance(body, bytes) else b"")

    def read(self, amt: int | None = -1, **_: Any) -> bytes:
        wanted = sys.maxsize if amt is None or amt < 0 else amt
        pieces = []
        while wanted and (self._left or self._more()):
            pieces.append(self._left[:wanted])
            self._left = self._left[wanted:]
            wanted -= len(pieces[-1])
        return b"".join(pieces)

    def _more(self) -> bool:
        if self._stream is None:
            return False
        piece = asyncio.run_coroutine_threadsafe(_next(self._stream), self._loop).result()
        self._left, self._stream = memoryview(piece), self._stream if piece else None
        return bool(piece)

    def stream(self, amt: int = PIECE, **_: Any) -> Any:
        while piece := self.read(amt):
            yield piece

    def release_conn(self) -> None:
        """There is no connection to give back."""


async def _next(stream: AsyncIterator[bytes]) -> bytes:
    async for piece in stream:
        if piece:
            return piece
    return b""


class Transport:
    """Sends botocore's prepared requests to the gateway, on its loop."""

    def __init__(self, gateway: Gateway, loop: asyncio.AbstractEventLoop) -> None:
        self.gateway, self.loop = gateway, loop
        self._session, self._making = _session(), threading.Lock()  # sessions are not thread-safe, clients are

    def client(
        self,
        service: str,
        region: str,
        key: str,
        secret: str,
        token: str | None,
        origin: Origin | None = None,
        **config: Any,
    ) -> Any:
        """origin: what the gateway is told of the calls beside their bytes; the client's own calls have none."""
        with self._making:
            client = self._session.create_client(
                service,
                region_name=region,
                endpoint_url=HOST,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=Config(retries={"total_max_attempts": 1}, **config),
            )
        client.meta.events.register("before-send", partial(self.send, origin=origin))
        return client

    def send(self, request: Any, origin: Origin | None = None, **_: Any) -> AWSResponse:
        future = asyncio.run_coroutine_threadsafe(self.gateway.handle(_incoming(request), origin), self.loop)
        response: HttpResponse = future.result()
        body = b"" if request.method == "HEAD" else response.body
        return AWSResponse(request.url, response.status, _Headers(response.headers), Raw(body, self.loop))


def _session() -> Session:
    """It reads the models from memory where any session before it did from disk."""
    session = Session()
    session.register_component("data_loader", _loader())
    session.register("creating-client-class.s3", _with_transfers)
    return session


@cache
def _loader() -> Loader:
    """Of clients only: they change S3's model, so that the gateway reads one of its own."""
    return loader()


def _with_transfers(class_attributes: dict[str, Any], **_: Any) -> None:
    """What boto3 adds to the client of S3. It is imported by the first call, not at the start, for it takes long."""
    for name in ("upload_file", "upload_fileobj", "download_file", "download_fileobj", "copy"):
        class_attributes[name] = _of_boto3(name)


def _of_boto3(name: str) -> Callable[..., Any]:
    def call(self: Any, *given: Any, **more: Any) -> Any:
        from boto3.s3 import inject

        return getattr(inject, name)(self, *given, **more)

    return call


class _Headers(dict[str, str]):
    """Names in lower case, as botocore's own look-ups ask for them in any."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())


def _incoming(request: Any) -> HttpRequest:
    url = urlsplit(request.url)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    headers.setdefault("host", url.netloc)
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, bytes | bytearray):
        if body and "transfer-encoding" not in headers:
            headers.setdefault("content-length", str(len(body)))
        return HttpRequest(request.method, url.path or "/", url.query, headers, bytes(body), inside=True)
    return HttpRequest(request.method, url.path or "/", url.query, headers, _pieces(body.read), inside=True)


async def _pieces(read: Callable[[int], bytes]) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    while piece := await loop.run_in_executor(None, read, PIECE):
        yield piece


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
