"""What is computed while a body passes by (length, MD5, a flexible checksum), and what was promised of it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from hashlib import md5
from typing import Any

from skylab.services.call import Call
from skylab.wire import checksums
from skylab.wire.errors import AwsError

DEFAULT = "crc64nvme"
_MEMBERS = {f"Checksum{name.upper()}": name for name in checksums.ALGORITHMS}


def member(algorithm: str) -> str:
    """crc32 -> ChecksumCRC32"""
    return f"Checksum{algorithm.upper()}"


def given(request: Mapping[str, Any]) -> tuple[str, str] | None:
    """The checksum that a request's members state: (algorithm, base64). InvalidRequest when several, or malformed."""
    found = [(name, request[key]) for key, name in _MEMBERS.items() if request.get(key)]
    if len(found) > 1:
        message = "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        raise AwsError("InvalidRequest", message, 400)
    return found[0] if found else None


class Digest:
    """Everything of one body, chunk by chunk. The first algorithm is the one that is kept."""

    def __init__(self, *algorithms: str) -> None:
        self.algorithm, self.size = algorithms[0], 0
        self._md5 = md5(usedforsecurity=False)
        self._checksums = {name: checksums.Checksum(name) for name in algorithms}

    def update(self, data: bytes) -> None:
        self.size += len(data)
        self._md5.update(data)
        for checksum in self._checksums.values():
            checksum.update(data)

    @property
    def etag(self) -> str:
        return f'"{self._md5.hexdigest()}"'

    @property
    def md5(self) -> bytes:
        return self._md5.digest()

    def checksum(self, algorithm: str | None = None) -> str:
        return self._checksums[algorithm or self.algorithm].value()


class Promise:
    """What a request says of the body it brings: Content-MD5, its length, a checksum in a header or in a trailer."""

    def __init__(self, request: Mapping[str, Any], headers: Mapping[str, str], default: str = DEFAULT) -> None:
        self._md5 = content_md5(request.get("ContentMD5"))
        self._stated, self._trailer = given(request), None
        announced = [name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",")]
        if trailers := [checksums.HEADERS[name] for name in announced if name in checksums.HEADERS]:
            self._trailer = trailers[0]
        if request.get("ChecksumAlgorithm") and not self._stated and not self._trailer:
            raise AwsError(
                "InvalidRequest",
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
                "headers were found.",
                400,
            )
        if self._stated:
            _raw(*self._stated)
        self.stated = self._stated[0] if self._stated else self._trailer
        self.algorithm = self.stated or default
        self.made = bool(self._md5 or self.stated)
        self.length = _length(headers)

    def check(self, digest: Digest, trailers: Mapping[str, str]) -> None:
        """IncompleteBody, BadDigest or InvalidRequest where the bytes that came are not those that were meant."""
        if self.length is not None and digest.size != self.length:
            message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
            raise AwsError("IncompleteBody", message, 400)
        if self._md5 is not None and digest.md5 != self._md5:
            raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.", 400)
        if wanted := self._wanted(trailers):
            if _raw(self.algorithm, wanted) != _raw(self.algorithm, digest.checksum(self.algorithm)):
                raise bad_checksum(self.algorithm)

    def _wanted(self, trailers: Mapping[str, str]) -> str | None:
        if self._stated:
            return self._stated[1]
        if not self._trailer:
            return None
        if (value := trailers.get(checksums.header(self._trailer))) is None:
            raise AwsError("MalformedTrailerError", "The request contained trailing data that was not well-formed", 400)
        return value


def bad_checksum(algorithm: str) -> AwsError:
    return AwsError("BadDigest", f"The {algorithm.upper()} you specified did not match the calculated checksum.", 400)


def _raw(algorithm: str, value: str) -> bytes:
    try:
        return checksums.raw(algorithm, value)
    except ValueError:
        message = f"Value for {checksums.header(algorithm)} header is invalid."
        raise AwsError("InvalidRequest", message, 400) from None


def content_md5(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        digest = b64decode(text, validate=True)
    except NotBase64:
        digest = b""
    if len(digest) != 16:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.", 400)
    return digest


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("x-amz-decoded-content-length") or headers.get("content-length")
    return int(text) if text and text.isascii() and text.isdecimal() else None


def verify(call: Call, request: Mapping[str, Any], required: bool = False) -> None:
    """Checks what a request with an XML body promises about it. required: InvalidRequest where nothing is promised."""
    headers, body = call.http.headers, call.http.body
    if not isinstance(body, bytes):
        return
    md5_text = request.get("ContentMD5") or headers.get("content-md5")
    stated = [(name, headers[key]) for key, name in checksums.HEADERS.items() if headers.get(key)]
    if required and not md5_text and not stated:
        raise AwsError("InvalidRequest", "Missing required header for this request: Content-MD5", 400)
    if (wanted := content_md5(md5_text)) is not None and md5(body, usedforsecurity=False).digest() != wanted:
        raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.", 400)
    for name, value in stated:
        checksum = checksums.Checksum(name)
        checksum.update(body)
        if _raw(name, value) != _raw(name, checksum.value()):
            raise bad_checksum(name)
