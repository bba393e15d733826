"""The body of an upload as it is read: unframed, hashed, and refused when it is not what was signed or promised.

    plain        bytes ............................................... hash compared at the end
    aws-chunked  size[;chunk-signature=..] CRLF bytes CRLF ... 0[;chunk-signature=..] CRLF [trailers] CRLF

Bytes are handed on before the signature of their chunk is known, so that nothing is held back: a reader must keep them
apart (draft, then rename) until the iteration has ended without an error.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
"""

import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from hashlib import md5, sha256

from skylab.wire import checksums, sigv4
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, Stream
from skylab.wire.sigv4 import Signature

_LINE = 1024  # bytes that the line before a chunk may have; a signed one has some 90
_TRAILERS = 16 * 1024
_SMALLEST = 8192  # bytes of every chunk but the last
_EMPTY = sha256().hexdigest()
_SIZE = re.compile(rb"([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?")


class Verified(AsyncIterator[bytes]):
    """A body that checks itself while it is iterated, once.

    trailers and checksums are whole when the iteration has ended: trailers by lower-case name as they came; checksums
    by algorithm ("crc32"), base64, those that the client gave and that were found right.
    """

    def __init__(self, source: "_Source", request: HttpRequest, signature: Signature | None, key: bytes) -> None:
        self._source, self._request, self._signature, self._key = source, request, signature, key
        self.trailers: dict[str, str] = {}
        self.checksums: dict[str, str] = {}
        self._pieces = self._checked()

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def _checked(self) -> AsyncIterator[bytes]:
        payload = _payload(self._request, self._signature)
        expected, length = _Expected(self._request, payload), _length(self._request, payload)
        pieces = self._source.all() if not payload.startswith("STREAMING-") else self._chunks(payload, length)
        seen = 0
        async for piece in pieces:
            seen += len(piece)
            expected.update(piece)
            yield piece
        if length is not None and seen != length:
            raise incomplete()
        self.checksums = expected.check(self.trailers)

    def _chunks(self, payload: str, length: int | None) -> AsyncIterator[bytes]:
        seal = None if payload == sigv4.STREAMING_UNSIGNED else _Seal(self._signature, self._key)
        return _chunks(self._source, seal, payload != sigv4.STREAMING, length or 0, self.trailers)


def verified(
    body: bytes | Stream, request: HttpRequest, signature: Signature | None, signing_key: bytes = b""
) -> Verified:
    """The bytes of an upload, to be iterated. signature None: an anonymous request, whose chunks cannot be signed.

    Raises AwsError while it is iterated: XAmzContentSHA256Mismatch, SignatureDoesNotMatch, IncompleteBody, BadDigest,
    InvalidDigest, InvalidChunkSizeError, MalformedTrailerError, InvalidRequest, MissingContentLength.
    """
    return Verified(_Source(body), request, signature, signing_key)


def stored_encoding(header: str) -> str | None:
    """A content-encoding without aws-chunked, which is the transfer's and not the object's. None: nothing is left."""
    left = [name.strip() for name in header.split(",") if name.strip().lower() not in ("aws-chunked", "")]
    return ",".join(left) or None


def incomplete() -> AwsError:
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return AwsError("IncompleteBody", message, 400)


def _payload(request: HttpRequest, signature: Signature | None) -> str:
    payload = signature.payload if signature else request.headers.get("x-amz-content-sha256", sigv4.UNSIGNED)
    if not signature and payload.startswith("STREAMING-AWS4"):
        raise AwsError("InvalidRequest", "The chunks of an unsigned request cannot be signed.", 400)
    return payload or sigv4.UNSIGNED


def _length(request: HttpRequest, payload: str) -> int | None:
    """The bytes that the body must have once it is decoded; None when nobody said."""
    streaming = payload.startswith("STREAMING-")
    text = request.headers.get("x-amz-decoded-content-length" if streaming else "content-length")
    if text is None and not streaming:
        return None
    if text is None or not re.fullmatch(r"[0-9]{1,16}", text):
        raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    return int(text)


# framing


class _Source:
    """Reads a stream by lines and by lengths, and never holds more than one piece of it and a line."""

    def __init__(self, body: bytes | Stream) -> None:
        self._pieces = _one(body) if isinstance(body, bytes) else body
        self._held, self._at = b"", 0  # a position, since cutting the front off a long piece each time copies it

    async def all(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            yield piece

    async def some(self, most: int) -> bytes:
        """1 to most bytes. IncompleteBody at the end."""
        if self._at == len(self._held) and not await self._more():
            raise incomplete()
        piece = self._held[self._at : self._at + most]
        self._at += len(piece)
        return piece

    async def line(self, most: int) -> bytes:
        """Up to a CRLF, without it. InvalidChunkSizeError when it is not within most bytes."""
        while (end := self._held.find(b"\r\n", self._at, self._at + most)) < 0:
            if len(self._held) - self._at >= most:
                raise _bad_size()
            if not await self._more():
                raise incomplete()
        line, self._at = self._held[self._at : end], end + 2
        return line

    async def remainder(self, most: int) -> bytes:
        while len(self._held) - self._at <= most and await self._more():
            pass
        if len(self._held) - self._at > most:
            raise _malformed_trailer()
        return self._held[self._at :]

    async def _more(self) -> bool:
        """Adds the next piece that is not empty to what is held; False at the end."""
        async for piece in self._pieces:
            if piece:
                self._held, self._at = self._held[self._at :] + piece, 0
                return True
        return False


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body


class _Seal:
    """The chain of chunk signatures: each signs the one before it, the first the request's."""

    def __init__(self, signature: Signature | None, key: bytes) -> None:
        assert signature, "a signed stream has a signature"
        self._signature, self._key, self._previous = signature, key, signature.signature

    def check(self, kind: str, hashed: str, claimed: str) -> None:
        to_sign = "\n".join([kind, self._signature.stamp, self._signature.scope, self._previous, hashed])
        self._previous = sigv4.sign(self._key, to_sign)
        if not sigv4.matches(self._previous, claimed):
            raise sigv4.mismatch(self._signature, to_sign)


async def _chunks(
    source: _Source, seal: _Seal | None, trailing: bool, length: int, trailers: dict[str, str]
) -> AsyncIterator[bytes]:
    seen, small = 0, False
    while True:
        size, claimed = _size(await source.line(_LINE), seal is not None)
        if size and small:
            raise _bad_size("Only the last chunk is allowed to have a size less than 8192 bytes")
        seen, small = seen + size, size < _SMALLEST
        if seen > length:
            raise incomplete()
        hashed, left = sha256() if seal else None, size
        while left:
            piece = await source.some(left)
            left -= len(piece)
            if hashed:
                hashed.update(piece)
            yield piece
        if seal and hashed:
            seal.check("AWS4-HMAC-SHA256-PAYLOAD", f"{_EMPTY}\n{hashed.hexdigest()}", claimed)
        if not size:
            break
        await source.line(2)
    trailers.update(_read_trailers(await source.remainder(_TRAILERS), seal if trailing else None))


def _size(line: bytes, signed: bool) -> tuple[int, str]:
    found = _SIZE.fullmatch(line)
    if not found:
        raise _bad_size()
    if signed and not found[2]:
        raise AwsError("InvalidRequest", "A chunk of a signed stream has no chunk-signature.", 400)
    return int(found[1], 16), (found[2] or b"").decode()


def _bad_size(message: str = "The chunk size is not a hexadecimal number on a line of its own") -> AwsError:
    return AwsError("InvalidChunkSizeError", message, 400)


def _malformed_trailer() -> AwsError:
    message = "The request contained trailing data that was not well-formed or did not conform to our published schema."
    return AwsError("MalformedTrailerError", message, 400)


def _read_trailers(data: bytes, seal: _Seal | None) -> dict[str, str]:
    """What follows the empty chunk. Some clients end a trailer by LF CRLF, so empty lines are passed over."""
    if not data.endswith(b"\r\n"):
        raise incomplete()
    trailers: dict[str, str] = {}
    for line in data.splitlines():
        name, colon, value = line.partition(b":")
        key = name.strip().lower().decode("latin-1")
        if line and (not colon or key in trailers):
            raise _malformed_trailer()
        if line:
            trailers[key] = value.strip().decode("latin-1")
    claimed = trailers.pop("x-amz-trailer-signature", "")
    if seal:
        lines = "".join(f"{name}:{value}\n" for name, value in trailers.items())
        seal.check("AWS4-HMAC-SHA256-TRAILER", sha256(lines.encode("latin-1")).hexdigest(), claimed)
    return trailers


# promises


class _Expected:
    """The digests that the headers promise, computed as the bytes pass."""

    def __init__(self, request: HttpRequest, payload: str) -> None:
        self._payload = payload
        self._sha = None if payload in sigv4.PAYLOADS else sha256()
        self._md5, self._md5_claimed = md5(usedforsecurity=False), _content_md5(request)
        self._claimed = _claimed(request)
        self._trailing = _trailing(request) if payload in (sigv4.STREAMING_UNSIGNED, sigv4.STREAMING_TRAILER) else set()
        names = {checksums.HEADERS[name] for name in self._trailing | set(self._claimed) if name in checksums.HEADERS}
        self._running = [checksums.Checksum(name) for name in sorted(names)]
        self._updates: list[Callable[[bytes], None]] = [one.update for one in self._running]
        self._updates += [self._sha.update] if self._sha else []
        self._updates += [self._md5.update] if self._md5_claimed else []

    def update(self, piece: bytes) -> None:
        for update in self._updates:
            update(piece)

    def check(self, trailers: dict[str, str]) -> dict[str, str]:
        """The checksums by algorithm, once all that was promised is found true."""
        if set(trailers) != self._trailing:
            raise _malformed_trailer()
        if self._sha:
            sigv4.check_hash(self._sha.hexdigest(), self._payload)
        if self._md5_claimed and self._md5.digest() != self._md5_claimed:
            raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.", 400)
        claimed = self._claimed | {name: trailers[name] for name in self._trailing if name in checksums.HEADERS}
        return {one.name: _agree(one, claimed[checksums.header(one.name)]) for one in self._running}


def _agree(running: checksums.Checksum, claimed: str) -> str:
    _well_formed(running.name, claimed)
    if running.value() != claimed:
        name = running.name.upper()
        raise AwsError("BadDigest", f"The {name} you specified did not match the calculated checksum.", 400)
    return claimed


def _well_formed(name: str, value: str) -> None:
    try:
        checksums.raw(name, value)
    except ValueError:
        header = checksums.header(name)
        raise AwsError("InvalidRequest", f"Value for {header} header is invalid.", 400) from None


def _claimed(request: HttpRequest) -> dict[str, str]:
    """The checksum in the headers. In CompleteMultipartUpload, a POST, it is the object's and not the body's."""
    if request.method == "POST" and "uploadId=" in request.query:
        return {}
    claimed = {name: request.headers[name] for name in checksums.HEADERS if name in request.headers}
    for name, value in claimed.items():
        _well_formed(checksums.HEADERS[name], value)
    _single(set(claimed))
    return claimed


def _trailing(request: HttpRequest) -> set[str]:
    names = {name.strip().lower() for name in request.headers.get("x-amz-trailer", "").split(",")} - {""}
    if not names.issubset(checksums.HEADERS):
        raise AwsError("InvalidRequest", "The value specified in the x-amz-trailer header is not supported", 400)
    _single(names | set(_claimed(request)))
    return names


def _single(names: set[str]) -> None:
    if len(names) > 1:
        message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        raise AwsError("InvalidRequest", message, 400)


def _content_md5(request: HttpRequest) -> bytes:
    text = request.headers.get("content-md5")
    if text is None:
        return b""
    try:
        digest = b64decode(text, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != 16 or b64encode(digest).decode() != text:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", 400)
    return digest
