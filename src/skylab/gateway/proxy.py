"""A CONNECT proxy: programs that insist on https://<service>.<region>.amazonaws.com reach the gateway through it.

CONNECT <bucket>.s3.amazonaws.com:443   TLS ends here, with a leaf of the local authority; the decrypted connection
                                        is the gateway's own from then on, Host header and keep-alive included
CONNECT pypi.org:443                    a blind tunnel to the real host
CONNECT localhost:443, host:22, GET …   refused: the proxy is no way around anybody's firewall
"""

import asyncio
import ipaddress
import logging
import re
import socket
from collections.abc import Awaitable, Callable
from typing import cast

from skylab.gateway.authority import Authority

log = logging.getLogger(__name__)

HEAD_BYTES = 16 * 1024
HEAD_SECONDS, CONNECT_SECONDS, HANDSHAKE_SECONDS = 15.0, 30.0, 15.0
REQUEST = re.compile(rb"CONNECT (\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5}) HTTP/1\.[01]")
REASONS = {400: "Bad Request", 403: "Forbidden", 405: "Method Not Allowed", 431: "Request Header Fields Too Large"}
REASONS |= {408: "Request Timeout", 502: "Bad Gateway", 504: "Gateway Timeout"}


class Unwelcome(Exception):
    """A request that the proxy does not serve, with the status and the sentence for its sender."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


async def resolve(host: str) -> list[str]:
    """The addresses of a host, as the operating system knows them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Proxy:
    """answer makes the gateway's protocol for one decrypted connection: what its HTTP server uses on its own port."""

    def __init__(
        self,
        authority: Authority,
        answer: Callable[[], asyncio.Protocol],
        resolve: Callable[[str], Awaitable[list[str]]] = resolve,
        port: int = 443,
    ) -> None:
        self.authority, self.answer, self.resolve, self.port = authority, answer, resolve, port
        self.open: set[asyncio.BaseTransport] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Request(self), sock=listening)

    async def stop(self) -> None:
        """Closes the port and every tunnel; decrypted connections belong to the gateway's server, which drains them."""
        if self._server:
            self._server.close()
        for transport in list(self.open):
            transport.close()

    async def address(self, host: str) -> str:
        """Where a tunnel to host may go: checked and used as one address, so that no second look-up can differ."""
        try:
            addresses = await asyncio.wait_for(self.resolve(host.strip("[]")), CONNECT_SECONDS)
        except (OSError, TimeoutError) as error:
            raise Unwelcome(502, f"{host} cannot be found: {error or 'no answer in time'}.") from None
        if not addresses or any(_own(address) for address in addresses):
            raise Unwelcome(403, f"{host} is this machine: the proxy leads only outside and to the local cloud.")
        return addresses[0]


def _own(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified or ip.is_link_local or ip.is_multicast


def target(head: bytes) -> tuple[str, int]:
    """Host and port that a request head asks for. Raises Unwelcome."""
    line = head.partition(b"\r\n")[0]
    if not line.startswith(b"CONNECT "):
        raise Unwelcome(405, "This proxy serves https only (CONNECT): send plain http straight to Skylab's port.")
    if not (match := REQUEST.fullmatch(line)):
        raise Unwelcome(400, "The CONNECT request cannot be read: it names no host and port.")
    return match[1].decode(), int(match[2])


class Request(asyncio.Protocol):
    """One client, until its CONNECT is read; then the connection becomes the gateway's, or a tunnel's."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy, self.head = proxy, b""
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but ancestry
        self.proxy.open.add(transport)
        self.timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.refuse, 408, "No request came in time.")

    def connection_lost(self, error: Exception | None) -> None:
        self.proxy.open.discard(self.transport)
        self.timer.cancel()
        if self.task:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.head += data
        if self.task or len(self.head) > HEAD_BYTES:
            return self.refuse(431 if not self.task else 400, "The client spoke before it was its turn, or at length.")
        if b"\r\n\r\n" in self.head:
            self.timer.cancel()
            if not self.head.endswith(b"\r\n\r\n"):
                return self.refuse(400, "The client spoke before it was answered.")
            self.task = asyncio.get_running_loop().create_task(self.serve())

    def refuse(self, status: int, sentence: str) -> None:
        body = (sentence + "\n").encode()
        allow = "allow: CONNECT\r\n" if status == 405 else ""
        self.transport.write(
            f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: text/plain\r\n{allow}"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
            + body
        )
        self.transport.close()

    async def serve(self) -> None:
        try:
            host, port = target(self.head)
            if self.proxy.authority.vouches(host) and port == 443:
                await self.decrypt(host)
            elif port != self.proxy.port:
                raise Unwelcome(403, f"Port {port} is closed: the proxy serves https on port 443 only.")
            else:
                await self.tunnel(host, port)
        except Unwelcome as error:
            self.refuse(error.status, error.sentence)
        except (OSError, asyncio.CancelledError) as error:  # a handshake that failed, a client that left
            log.info("proxy: %s: %r", self.head.partition(b"\r\n")[0], error)
            self.transport.abort()

    async def decrypt(self, host: str) -> None:
        self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        early = Early()
        secured = await asyncio.get_running_loop().start_tls(
            self.transport,
            early,
            self.proxy.authority.context(host),
            server_side=True,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
        )
        if secured is None:
            raise ConnectionError("closed during the handshake")
        self.proxy.open.discard(self.transport)
        early.hand_over(secured, self.proxy.answer())

    async def tunnel(self, host: str, port: int) -> None:
        address, loop = await self.proxy.address(host), asyncio.get_running_loop()
        near, far = Pipe(self.proxy.open), Pipe(self.proxy.open)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await loop.create_connection(lambda: far, address, port)
        except TimeoutError:
            raise Unwelcome(504, f"{host} does not answer.") from None
        except OSError as error:
            raise Unwelcome(502, f"{host} cannot be reached: {error.strerror or error}.") from None
        near.other, far.other = far, near
        self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.transport.set_protocol(near)
        near.connection_made(self.transport)
        far.flow()


class Early(asyncio.Protocol):
    """Keeps what arrives together with the end of the handshake, before the gateway's protocol is in place."""

    def __init__(self) -> None:
        self.data, self.lost = b"", False

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True

    def hand_over(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        if self.lost:
            return
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self.data:
            protocol.data_received(self.data)


class Pipe(asyncio.Protocol):
    """One end of a tunnel: what it receives it writes to the other, no faster than that one drains."""

    other: "Pipe"
    transport: asyncio.Transport

    def __init__(self, open: set[asyncio.BaseTransport]) -> None:
        self.open, self.ended = open, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but ancestry
        self.open.add(self.transport)
        if not hasattr(self, "other"):
            self.transport.pause_reading()  # until both ends are known

    def flow(self) -> None:
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.ended = True
        if not self.other.transport.is_closing():
            self.other.transport.write_eof()
        return not self.other.ended  # the other direction may still be speaking

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.open.discard(self.transport)
        if hasattr(self, "other"):
            self.other.transport.close()
