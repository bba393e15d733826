"""A client that costs next to nothing: requests signed beforehand, a blocking socket, the answer read into one buffer.

What is measured must be the server: boto3 alone takes a millisecond or two for a call.
"""

import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SCRATCH = 1024 * 1024


@dataclass(frozen=True)
class Target:
    """Where requests go, and who signs them."""

    url: str
    key: str = "test"
    secret: str = "test"
    token: str | None = None
    region: str = "us-east-1"

    def signed(
        self, service: str, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> bytes:
        """The bytes of a whole request, head and body, good for some fifteen minutes."""
        request = AWSRequest(method, self.url + path, headers or {}, body)
        auth = S3SigV4Auth if service == "s3" else SigV4Auth
        auth(Credentials(self.key, self.secret, self.token), service, self.region).add_auth(request)
        head = {"Host": urlsplit(self.url).netloc, "Content-Length": str(len(body))} | dict(request.headers.items())
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
        return "\r\n".join(lines).encode() + body

    def client(self, service: str) -> object:
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            aws_session_token=self.token,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )


class Wire:
    """One connection that is kept open. A status outside 2xx raises: an error that came fast is no result."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.address = parts.hostname, parts.port
        self.scratch = memoryview(bytearray(SCRATCH))
        self.sock: socket.socket | None = None

    def _put(self, request: bytes) -> None:
        """Some peers close the connection after every answer: the next request opens another, as any client would."""
        if self.sock is None:
            self.sock = socket.create_connection(self.address, timeout=120)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(request)

    def send(self, request: bytes) -> bytes:
        """The body of a small answer."""
        self._put(request)
        _, rest, length = self._head()
        if request.startswith(b"HEAD "):
            length = 0
        while len(rest) < length:
            rest += self._some()
        self._done()
        return rest

    def _done(self) -> None:
        if self.closing:
            self.close()

    def drain(self, request: bytes) -> int:
        """The length of an answer of any size, which is read and thrown away."""
        self._put(request)
        _, rest, length = self._head()
        left = length - len(rest)
        while left > 0:
            if not (got := self.sock.recv_into(self.scratch)):
                raise EOFError("the answer was cut off")
            left -= got
        self._done()
        return length

    def timed(self, request: bytes) -> float:
        begin = time.perf_counter()
        self.send(request)
        return time.perf_counter() - begin

    def close(self) -> None:
        if self.sock:
            self.sock.close()
            self.sock = None

    def _some(self) -> bytes:
        if not (piece := self.sock.recv(65536)):
            raise EOFError("the answer was cut off")
        return piece

    def _head(self) -> tuple[bytes, bytes, int]:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._some()
        head, rest = data[:end].lower(), data[end + 4 :]
        self.closing = head.startswith(b"http/1.0") or b"connection: close" in head
        if head[8:10] != b" 2":
            raise OSError(f"{head[:100]!r}: {rest[:300]!r}")
        if b"transfer-encoding: chunked" in head:
            return head, *self._chunked(rest)
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        return head, rest, int(length or 0)

    def _chunked(self, rest: bytes) -> tuple[bytes, int]:
        while not rest.endswith(b"0\r\n\r\n"):
            rest += self._some()
        return rest, len(rest)
