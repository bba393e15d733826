"""The one form of a request that both sides of a SigV4 signature agree on, however the bytes were written.

S3 encodes its path once and normalises nothing, since "a//../b" is a good key; every other service does both.
"""

from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from skylab.wire.http import HttpRequest


def canonical_request(request: HttpRequest, signed: tuple[str, ...], payload: str, s3: bool) -> bytes:
    """signed: the names of the signed headers; payload: the body's hash, or the word that stands for it."""
    path = _s3_path(request.path) if s3 else _path(request.path)
    lines = [request.method.upper().encode(), path.encode(), _query(request.query).encode()]
    lines += [name.encode() + b":" + _header(request, name) for name in signed]
    return b"\n".join([*lines, b"", ";".join(signed).encode(), payload.encode()])


def _header(request: HttpRequest, name: str) -> bytes:
    """Trimmed, runs of white space made one; as the bytes that came, which a server hands on as Latin-1 characters."""
    value = request.headers.get(name, "")
    try:
        data = value.encode("latin-1")
    except UnicodeEncodeError:
        data = value.encode()
    return b" ".join(data.split())


def _query(query: str) -> str:
    """Sorted by encoded name, then value. Whatever the client left unencoded is encoded here; "+" means a space."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    encoded = sorted((_encode(name.replace("+", " ")), _encode(value.replace("+", " "))) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded if name != "X-Amz-Signature")


def _encode(text: str) -> str:
    return quote_from_bytes(unquote_to_bytes(text), safe="-_.~")


def _s3_path(path: str) -> str:
    return "/".join(_encode(segment) for segment in path.split("/")) or "/"


def _path(path: str) -> str:
    """RFC 3986, section 5.2.4, and no empty segments; what was encoded is encoded again."""
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment not in ("", "."):
            segments.append(segment)
    end = "/" if segments and path.endswith("/") else ""
    return quote(f"/{'/'.join(segments)}{end}", safe="/~")
