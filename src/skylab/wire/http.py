"""A request and an answer, as every layer above the socket sees them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

Stream = AsyncIterator[bytes]


@dataclass
class HttpRequest:
    method: str
    path: str  # as it was sent: percent-encoded, without the query
    query: str  # as it was sent, without "?"
    headers: dict[str, str]  # lower-case names; a repeated header is joined by ","
    body: bytes | Stream = b""
    source: str = "127.0.0.1"  # the caller's address
    secure: bool = False  # came over TLS
    posted: bool = False  # was a browser's form
    inside: bool = False  # came from this very process: nobody could listen


@dataclass
class HttpResponse:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Stream = b""
