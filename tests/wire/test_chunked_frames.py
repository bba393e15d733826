"""Frames of chunks and the checksums that trail them, also where they are hostile."""

import io
import tracemalloc

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, CrtCrc32cChecksum
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.streamed import pieces_of, refusal, unframed

from skylab.wire import sigv4
from skylab.wire.checksums import Checksum
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest


def unsigned(length, **headers):
    fixed = {"x-amz-content-sha256": sigv4.STREAMING_UNSIGNED, "x-amz-decoded-content-length": str(length)}
    return HttpRequest("PUT", "/b/k", "", fixed | {name.replace("_", "-"): value for name, value in headers.items()})


@settings(max_examples=25)
@given(data=st.binary(max_size=40000), size=st.integers(8192, 20000), sizes=st.lists(st.integers(0, 9000), max_size=8))
def test_what_botocore_frames_is_read_and_its_trailer_checked(data, size, sizes):
    name = "x-amz-checksum-crc32c"
    framed = AwsChunkedWrapper(io.BytesIO(data), CrtCrc32cChecksum, name, size).read()
    running = Checksum("crc32c")
    running.update(data)

    read, checked = unframed(pieces_of(framed, sizes), unsigned(len(data), x_amz_trailer=name))

    assert (read, checked.trailers, checked.checksums) == (data, {name: running.value()}, {"crc32c": running.value()})


def framed(data, trailer=b""):
    return (b"%x\r\n%s\r\n" % (len(data), data) if data else b"") + b"0\r\n" + trailer + b"\r\n"


def test_a_wrong_trailing_checksum_is_a_bad_digest_in_s3s_words():
    request = unsigned(3, x_amz_trailer="x-amz-checksum-crc32")

    with pytest.raises(AwsError) as raised:
        unframed(framed(b"abc", b"x-amz-checksum-crc32:AAAAAA==\r\n"), request)

    assert (raised.value.code, raised.value.status) == ("BadDigest", 400)
    assert raised.value.message == "The CRC32 you specified did not match the calculated checksum."


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"-3\r\nabc\r\n0\r\n\r\n", "InvalidChunkSizeError"),
        (b"+3\r\nabc\r\n0\r\n\r\n", "InvalidChunkSizeError"),
        (b"0x3\r\nabc\r\n0\r\n\r\n", "InvalidChunkSizeError"),
        (b"\r\nabc\r\n0\r\n\r\n", "InvalidChunkSizeError"),
        (b"3;chunk-signature=zz\r\nabc\r\n0\r\n\r\n", "InvalidChunkSizeError"),
        (b"f" * 13 + b"\r\nabc", "InvalidChunkSizeError"),
        (b"f" * 5000, "InvalidChunkSizeError"),
        (b"3\nabc\r\n0\r\n\r\n", "InvalidChunkSizeError"),
        (b"3\r\nabcd\r\n0\r\n\r\n", "InvalidChunkSizeError"),
        (b"3\r\nabc0\r\n\r\n", "InvalidChunkSizeError"),
        (b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "InvalidChunkSizeError"),
        (b"ffffffff\r\nabc", "IncompleteBody"),
        (b"4\r\nabcd\r\n0\r\n\r\n", "IncompleteBody"),
        (b"2\r\nab\r\n0\r\n\r\n", "IncompleteBody"),
        (b"3\r\nabc\r\n0\r\n", "IncompleteBody"),
        (b"3\r\nabc\r\n", "IncompleteBody"),
        (b"3\r\nab", "IncompleteBody"),
        (b"3", "IncompleteBody"),
        (b"", "IncompleteBody"),
        (b"3\r\nabc\r\n0\r\nno colon\r\n\r\n", "MalformedTrailerError"),
        (b"3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", "MalformedTrailerError"),
        (b"3\r\nabc\r\n0\r\n" + b"a:b\r\n" * 5000 + b"\r\n", "MalformedTrailerError"),
    ],
)
def test_hostile_framing_is_refused(body, code):
    assert refusal(body, unsigned(3)) == code
    assert refusal(pieces_of(body, [1] * len(body)), unsigned(3)) == code


@pytest.mark.parametrize(
    ("trailer", "code"),
    [
        (b"", "MalformedTrailerError"),
        (b"x-amz-checksum-sha1:qZk+NkcGgWq6PiVxeFDCbJzQ2J0=\r\n", "MalformedTrailerError"),
        (b"x-amz-checksum-crc32:NSRBwg==\r\nx-amz-checksum-crc32:NSRBwg==\r\n", "MalformedTrailerError"),
        (b"x-amz-checksum-crc32:short\r\n", "InvalidRequest"),
        (b"x-amz-checksum-crc32:\xff\r\n", "InvalidRequest"),
    ],
)
def test_a_trailer_other_than_the_announced_one_is_refused(trailer, code):
    assert refusal(framed(b"abc", trailer), unsigned(3, x_amz_trailer="x-amz-checksum-crc32")) == code


@pytest.mark.parametrize("length", ["", "-1", "x", "9" * 5000, "\u0663"])
def test_a_stream_must_say_how_long_it_is(length):
    assert refusal(framed(b"abc"), unsigned(length)) == "MissingContentLength"


@pytest.mark.parametrize("trailer", ["x-amz-meta-a", "x-amz-checksum-crc32,x-amz-checksum-sha1"])
def test_only_one_checksum_can_trail(trailer):
    assert refusal(framed(b"abc"), unsigned(3, x_amz_trailer=trailer)) == "InvalidRequest"


def test_an_endless_line_is_not_collected():
    async def endless():
        while True:
            yield b"1" * 65536

    tracemalloc.start()
    try:
        assert refusal(endless(), unsigned(3)) == "InvalidChunkSizeError"
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
