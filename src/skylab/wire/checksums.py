"""The flexible checksums of S3, computed as bytes pass by, and put together again from those of the parts.

A checksum travels as base64 of its big-endian bytes, in a header or trailer named by header().
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable
from hashlib import md5, sha1, sha256, sha512
from typing import Protocol

from awscrt import checksums as crt

_PREFIX = "x-amz-checksum-"


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, run: Callable[[bytes, int], int], size: int) -> None:
        self._run, self._size, self._value = run, size, 0

    def update(self, data: bytes) -> None:
        self._value = self._run(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


class _XxHash:
    def __init__(self, state: crt.XXHash) -> None:
        self._state = state

    def update(self, data: bytes) -> None:
        self._state.update(data)

    def digest(self) -> bytes:
        return self._state.finalize()


_START: dict[str, Callable[[], _Digest]] = {
    "crc32": lambda: _Crc(crt.crc32, 4),
    "crc32c": lambda: _Crc(crt.crc32c, 4),
    "crc64nvme": lambda: _Crc(crt.crc64nvme, 8),
    "md5": md5,
    "sha1": sha1,
    "sha256": sha256,
    "sha512": sha512,
    "xxhash64": lambda: _XxHash(crt.XXHash.new_xxhash64()),
    "xxhash3": lambda: _XxHash(crt.XXHash.new_xxhash3_64()),
    "xxhash128": lambda: _XxHash(crt.XXHash.new_xxhash3_128()),
}
_COMBINE = {"crc32": crt.combine_crc32, "crc32c": crt.combine_crc32c, "crc64nvme": crt.combine_crc64nvme}

ALGORITHMS = tuple(_START)
HEADERS = {_PREFIX + name: name for name in ALGORITHMS}  # header name -> algorithm


class Checksum:
    """One running checksum. name: crc32, crc32c, crc64nvme, sha1, sha256, ... in any case (S3's enum is upper-case)."""

    def __init__(self, name: str) -> None:
        self.name = name.lower()
        self._digest = _START[self.name]()

    def update(self, data: bytes) -> None:
        self._digest.update(data)

    def value(self) -> str:
        return b64encode(self._digest.digest()).decode()


def header(name: str) -> str:
    """The header or trailer that carries this algorithm's value."""
    return _PREFIX + name.lower()


def raw(name: str, value: str) -> bytes:
    """The bytes of a base64 value. ValueError when it is not base64 or not as long as the algorithm's digest."""
    try:
        digest = b64decode(value, validate=True)
    except NotBase64:
        raise ValueError(f"{value!r} is not base64") from None
    if len(digest) != len(_START[name.lower()]().digest()):
        raise ValueError(f"{value!r} is not as long as a {name}")
    return digest


def composite(name: str, values: Iterable[str]) -> str:
    """The COMPOSITE checksum of a multipart object: the checksum of its parts' checksums, "-", their number."""
    running, count = Checksum(name), 0
    for count, value in enumerate(values, start=1):  # noqa: B007
        running.update(raw(name, value))
    return f"{running.value()}-{count}"


def full_object(name: str, parts: Iterable[tuple[str, int]]) -> str:
    """The FULL_OBJECT checksum of a multipart object from each part's (value, length in bytes), without its bytes.

    Only the CRCs can do it; KeyError for the others.
    """
    combine, width, whole = _COMBINE[name.lower()], len(_START[name.lower()]().digest()), 0
    for value, length in parts:
        whole = combine(whole, int.from_bytes(raw(name, value), "big"), length)
    return b64encode(whole.to_bytes(width, "big")).decode()
