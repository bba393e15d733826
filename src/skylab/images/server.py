"""A small HTTP server for one model: GET /ping, POST /invocations, keep-alive, on a Unix socket or a port.

httptools parses, uvloop moves bytes. Predictions run in worker threads, so that /ping is answered meanwhile; one that
the model calls quick runs on the loop itself, which saves two changes of thread. The answers of a connection leave in
the order of its requests.
"""

import asyncio
import json
import os
import signal
import socket
import threading
from collections import deque
from http import HTTPStatus
from pathlib import Path
from typing import cast

import httptools

from skylab.images.predicting import Answer, Model, Request
from skylab.images.workers import Workers

QUEUE = 1024  # callers that wait to be accepted; a Unix socket refuses the next one outright
PIECES = 8  # of a streamed answer on their way to the loop
GRACE = 30.0  # seconds for running predictions when we are stopped
PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Connection(asyncio.Protocol):
    """One keep-alive connection. The methods named on_… are httptools' callbacks."""

    def __init__(self, workers: Workers, limit: int, open: "set[Connection]") -> None:
        self.workers, self.limit, self.open = workers, limit, open
        self.closed = self.busy = self.chunked = False
        self.pending: deque[tuple[bytes, bytes, bool, Request]] = deque()
        self.writable = threading.Event()
        self.writable.set()
        self.room = threading.Semaphore(PIECES)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.open.add(self)
        self.parser = httptools.HttpRequestParser(self)
        self.early: list[bytes] = []

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self.open.discard(self)
        self.writable.set()
        self.room.release(PIECES)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        if self.busy:
            self.early.append(data)
            self.transport.pause_reading()
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.closed:
                self._refuse(400, f"Bad request: {error}")

    def on_message_begin(self) -> None:
        self.url, self.size = b"", 0
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.refused = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if int(self.headers.get("content-length") or 0) > self.limit:
            self._too_large()
        elif self.headers.get("expect", "").lower() == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > self.limit:
            self._too_large()
        elif not self.refused:
            self.parts.append(part)

    def _too_large(self) -> None:
        if not self.refused:
            self._refuse(413, f"The payload is larger than {self.limit} bytes.")

    def on_message_complete(self) -> None:
        if self.closed:
            return
        body = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        path = self.url.partition(b"?")[0]
        request = Request(self.headers, body)
        self.pending.append((self.parser.get_method(), path, self.parser.should_keep_alive(), request))
        if not self.busy:
            self._next()

    def _next(self) -> None:
        self.method, path, self.keep, request = self.pending.popleft()
        self.busy = True
        if path == b"/invocations" and self.method == b"POST":
            self.workers.predict(request, self)
        elif path.startswith(b"/models") and getattr(self.workers.model, "several", False):
            request.method, request.path = self.method.decode(), path.decode("latin-1")
            self.workers.predict(request, self)
        else:
            self.answer(self._other(path))

    def _other(self, path: bytes) -> Answer:
        if path in (b"/ping", b"/execution-parameters") and self.method not in (b"GET", b"HEAD"):
            return Answer(b"Method not allowed", status=405, headers={"allow": "GET, HEAD"})
        if path == b"/ping":
            return Answer(b"")
        if path == b"/invocations":
            return Answer(b"Method not allowed", status=405, headers={"allow": "POST"})
        parameters = self.workers.model.execution_parameters() if path == b"/execution-parameters" else None
        if parameters:
            return Answer(json.dumps(parameters).encode(), "application/json")
        return Answer(b"Not found", status=404)

    def answer(self, answer: Answer) -> None:
        if self.closed:
            return
        body = cast(bytes, answer.body)
        head = _head(answer, f"content-length: {len(body)}", self.keep)
        self.transport.write(head if self.method == b"HEAD" else head + body)
        self._done()

    def begin(self, answer: Answer) -> None:
        self.chunked = self.parser.get_http_version() == "1.1"
        self.keep = self.keep and self.chunked
        self._write(_head(answer, "transfer-encoding: chunked" if self.chunked else "", self.keep))

    def piece(self, piece: bytes) -> None:
        self.room.release()
        if piece:
            self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece)

    def end(self) -> None:
        self._write(b"0\r\n\r\n" if self.chunked else b"")
        self._done()

    def abort(self) -> None:
        if not self.closed:
            self.transport.abort()

    def _write(self, data: bytes) -> None:
        if not self.closed:
            self.transport.write(data)

    def _done(self) -> None:
        self.busy = False
        if not self.keep or self.closed:
            return self.close()
        if self.pending:
            self._next()
        elif self.early:
            early, self.early = b"".join(self.early), []
            self.transport.resume_reading()
            self.workers.loop.call_soon(self.data_received, early)

    def _refuse(self, status: int, message: str) -> None:
        """The rest of the request is not read, so the connection cannot go on."""
        self.refused, self.closed = True, True
        answer = Answer(message.encode(), status=status)
        self.transport.write(_head(answer, f"content-length: {len(message)}", False) + message.encode())
        self.transport.close()

    def close(self) -> None:
        if not self.busy and not self.closed:
            self.closed = True
            self.transport.close()


def _head(answer: Answer, length: str, keep: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {PHRASES.get(answer.status, '')}", f"content-type: {answer.content_type}"]
    lines += [length] if length else []
    lines += [f"{name}: {_one_line(value)}" for name, value in answer.headers.items()]
    lines += [] if keep else ["connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")


def serve(model: Model, workers: int, limit: int) -> None:
    """Until SIGTERM; then what is being predicted is finished."""
    try:
        import uvloop

        uvloop.run(_serve(model, workers, limit))
    except ImportError:
        asyncio.run(_serve(model, workers, limit))


async def _serve(model: Model, workers: int, limit: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    open: set[Connection] = set()
    threads = Workers(model, workers)
    path = os.environ.get("SKYLAB_SERVE_SOCKET")
    listener = _bound(Path(path)) if path else _port(int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or 8080))
    make = (loop.create_unix_server if path else loop.create_server)(
        lambda: Connection(threads, limit, open), sock=listener, backlog=QUEUE
    )
    listening = await make
    if path:
        os.rename(f"{path}.draft", path)  # bound and listening: its appearance means ready
    await stop.wait()
    listening.close()
    await _finish(open)


async def _finish(open: set[Connection]) -> None:
    until = asyncio.get_running_loop().time() + GRACE
    while open and asyncio.get_running_loop().time() < until:
        for connection in list(open):
            connection.keep = False
            connection.close()
        await asyncio.sleep(0.01)


def _bound(path: Path) -> socket.socket:
    draft = f"{path}.draft"
    Path(draft).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(draft)
    return listener


def _port(number: int) -> socket.socket:
    return socket.create_server(("0.0.0.0", number), reuse_port=False)
