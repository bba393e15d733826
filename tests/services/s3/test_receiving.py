"""Bodies on their way in: flat memory, nothing left of what breaks off, promises kept."""

import asyncio
import base64
import hashlib
import tracemalloc

import pytest

from skylab.services.s3.digests import Promise
from skylab.services.s3.receiving import receive
from skylab.wire.errors import AwsError

KEYS = (bytes(32),)
CHUNK = b"0123456789abcdef" * 16 * 1024  # 256 KiB


class Body:
    """count chunks, then the trailers, or an error."""

    def __init__(self, count, trailers=None, error=None):
        self.count, self.given, self.error, self.trailers = count, trailers or {}, error, {}

    async def __aiter__(self):
        for _ in range(self.count):
            yield CHUNK
        if self.error:
            raise self.error
        self.trailers = self.given


def take(lone, body, headers=None, **request):
    return asyncio.run(receive(lone.part["bodies"], KEYS, body, Promise(request, headers or {})))


def test_a_large_body_passes_through_little_memory(lone):
    tracemalloc.start()
    try:
        draft, digest = take(lone, Body(256))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert digest.size == 64 * 1024 * 1024 and peak < 8 * 1024 * 1024
    assert digest.etag == f'"{hashlib.md5(CHUNK * 256).hexdigest()}"'
    opened = lone.part["bodies"].opened(draft.keep(), KEYS, digest.size)
    assert b"".join(opened.pieces(0, digest.size)) == CHUNK * 256


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), asyncio.CancelledError()])
def test_a_body_that_breaks_off_leaves_nothing(lone, error):
    with pytest.raises(type(error)):
        take(lone, Body(20, error=error))

    assert not lone.bodies()


def test_a_trailer_is_what_it_says(lone):
    right = base64.b64encode(hashlib.sha256(CHUNK).digest()).decode()
    headers = {"x-amz-trailer": "x-amz-checksum-sha256"}

    _, digest = take(lone, Body(1, {"x-amz-checksum-sha256": right}), headers)
    assert digest.checksum() == right

    for trailers, code in (({"x-amz-checksum-sha256": "A" * 43 + "="}, "BadDigest"), ({}, "MalformedTrailerError")):
        with pytest.raises(AwsError) as error:
            take(lone, Body(1, trailers), headers)
        assert error.value.code == code


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-length": "7"}, "IncompleteBody"),
        ({"content-length": "9", "x-amz-decoded-content-length": "8"}, "IncompleteBody"),
        ({"content-length": str(6 * 1024**3)}, "EntityTooLarge"),
    ],
)
def test_a_body_is_as_long_as_it_said(lone, headers, code):
    with pytest.raises(AwsError) as error:
        take(lone, Body(1), headers)

    assert error.value.code == code


def test_several_or_announced_and_absent_checksums_are_refused(lone):
    for request in ({"ChecksumCRC32": "AAAAAA==", "ChecksumSHA1": "x"}, {"ChecksumAlgorithm": "CRC32"}):
        with pytest.raises(AwsError) as error:
            take(lone, b"", **request)
        assert error.value.code == "InvalidRequest"
