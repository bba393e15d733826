"""One keep-alive HTTP/1.1 connection to a replica, one request at a time; httptools parses the answers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

import httptools

HIGH = 1 << 20  # bytes of a streamed answer that wait for their reader before the replica is slowed down
LONGEST_HEAD = 1 << 18


class Broken(Exception):
    """The connection ended, or said what is not HTTP, before the answer was complete."""


class Connection(asyncio.Protocol):
    """The methods named on_… are httptools' callbacks."""

    closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._complete = True
        self._kept = True

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._complete:
            return
        if error is None and self._begun and self._unmeasured():  # RFC 9112, section 6.3: its end is the body's
            self._complete, self._kept = True, False
            return self._tell()
        self._break("The connection was closed before the answer was complete.")

    def _unmeasured(self) -> bool:
        """Whether the answer does not say how long it is."""
        return not {"content-length", "transfer-encoding"} & self.headers.keys()

    def eof_received(self) -> None:
        self.closed = True

    @property
    def reusable(self) -> bool:
        return self._complete and self._kept and not self.closed

    def close(self) -> None:
        self.closed = True
        self.transport.abort()

    def send(self, head: bytes, body: bytes, streaming: bool = False) -> None:
        """Then await `begun` for status and headers, and `rest` or `pieces` for the body."""
        self.status = 0
        self.headers: dict[str, str] = {}
        self._size = 0
        self._head_size = 0
        self._parts: deque[bytes] = deque()
        self._complete, self._broken = False, ""
        self._begun = False
        self._waiter: asyncio.Future[None] | None = None
        self._streaming = streaming
        self._parser = httptools.HttpResponseParser(self)
        self.transport.writelines((head, body))

    async def begun(self) -> None:
        """Raises Broken."""
        while not self._begun:
            await self._news()

    async def rest(self) -> bytes:
        """The whole body. Raises Broken."""
        while not self._complete:
            await self._news()
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises Broken."""
        while True:
            while self._parts:
                part = self._parts.popleft()
                self._size -= len(part)
                yield part
            if self._complete:
                return
            self.transport.resume_reading()
            await self._news()

    async def _news(self) -> None:
        if self._broken:
            raise Broken(self._broken)
        self._waiter = self._loop.create_future()
        await self._waiter

    def _tell(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _break(self, why: str) -> None:
        self._broken = why
        self._tell()

    def data_received(self, data: bytes) -> None:
        if self._complete:  # it speaks without being asked
            return self.close()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.close()
            self._break(f"The answer is not HTTP: {error}")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value)
        if self._head_size > LONGEST_HEAD:
            raise ValueError("headers too long")
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._begun = True
        if self._streaming:
            self._tell()

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._streaming:
            if self._size > HIGH:
                self.transport.pause_reading()
            self._tell()

    def on_message_complete(self) -> None:
        self._complete = True
        self._kept = self._parser.should_keep_alive()
        self._tell()
