"""uvicorn's HTTP protocol, for callers who are slow or long on purpose: a request's head has a size and a time, and the
pieces of its body may not keep us waiting. What is no HTTP/1.1, or could be read in two ways, llhttp refuses before."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD, BODY, IDLE = range(3)
LONGEST = 64 * 1024  # bytes of a head: AWS takes 8 KB of query and 16 KB of headers
LOOKS = 4  # in the time that a caller has


class Guarded(HttpToolsProtocol):
    """seconds: for a whole head, and between two pieces of a body."""

    seconds = 20.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._reads(HEAD)
        self._look()

    def data_received(self, data: bytes) -> None:
        if self.phase == BODY:
            self.since = self.loop.time()
        super().data_received(data)
        if self.phase == HEAD:
            self.size += len(data)
            if self.size > LONGEST:
                self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        self._reads(HEAD)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._reads(BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._reads(IDLE)
        super().on_message_complete()

    def _reads(self, phase: int) -> None:
        self.phase, self.since, self.size = phase, self.loop.time(), 0

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        if self._late():
            self._refuse(b"408 Request Timeout")
        else:
            self.loop.call_later(self.seconds / LOOKS, self._look)

    def _late(self) -> bool:
        if self.phase == IDLE or self.flow.read_paused:
            return False  # it is we who keep the caller waiting
        if self.phase == BODY and self.cycle.waiting_for_100_continue:
            return False
        return self.loop.time() - self.since > self.seconds

    def _refuse(self, status: bytes) -> None:
        begun = self.phase == BODY and self.cycle.response_started
        if not self.transport.is_closing():
            if not begun:
                self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()


def guarded(seconds: float) -> type[Any]:
    return type("Guarded", (Guarded,), {"seconds": seconds})
