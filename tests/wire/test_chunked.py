import asyncio
import hashlib
import io
import tracemalloc
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, CrtCrc32cChecksum
from hypothesis import given, settings
from hypothesis import strategies as st

from skylab.wire import sigv4
from skylab.wire.checksums import Checksum
from skylab.wire.chunked import stored_encoding, verified
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest

# The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = datetime(2013, 5, 24, tzinfo=UTC)
DATA = b"a" * 66560
SIGNED = (
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
TRAILED = (
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
TRAILER_SIGNATURE = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"


def example(trailing):
    headers = {
        "content-encoding": "aws-chunked",
        "content-length": "66824",
        "host": "s3.amazonaws.com",
        "x-amz-content-sha256": sigv4.STREAMING_TRAILER if trailing else sigv4.STREAMING,
        "x-amz-date": "20130524T000000Z",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    if trailing:
        del headers["content-length"]
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    headers["authorization"] = (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={';'.join(sorted(headers))},Signature={(TRAILED if trailing else SIGNED)[0]}"
    )
    return HttpRequest("PUT", "/examplebucket/chunkObject.txt", "", headers)


def example_body(trailing):
    _, one, two, last = TRAILED if trailing else SIGNED
    body = b"10000;chunk-signature=%s\r\n%s\r\n" % (one.encode(), DATA[:65536])
    body += b"400;chunk-signature=%s\r\n%s\r\n0;chunk-signature=%s\r\n" % (two.encode(), DATA[65536:], last.encode())
    if trailing:
        body += b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:%s\r\n" % TRAILER_SIGNATURE.encode()
    return body + b"\r\n"


def proved(request):
    signature = sigv4.read(request)
    return signature, sigv4.verify(request, signature, SECRET, NOW)


async def pieces_of(data, sizes):
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]


async def collect(checked):
    return b"".join([piece async for piece in checked])


def unframed(body, request, signature=None, key=b""):
    checked = verified(body, request, signature, key)
    return asyncio.run(collect(checked)), checked


def unsigned(length, **headers):
    fixed = {"x-amz-content-sha256": sigv4.STREAMING_UNSIGNED, "x-amz-decoded-content-length": str(length)}
    return HttpRequest("PUT", "/b/k", "", fixed | {name.replace("_", "-"): value for name, value in headers.items()})


def refusal(body, request, signature=None, key=b""):
    with pytest.raises(AwsError) as raised:
        unframed(body, request, signature, key)
    return raised.value.code


@pytest.mark.parametrize("trailing", [False, True])
@settings(max_examples=25)
@given(sizes=st.lists(st.integers(0, 30000), max_size=12))
def test_the_published_example_is_read_however_it_is_split(trailing, sizes):
    request = example(trailing)

    data, checked = unframed(pieces_of(example_body(trailing), sizes), request, *proved(request))

    assert data == DATA
    assert checked.trailers == ({"x-amz-checksum-crc32c": "sOO8/Q=="} if trailing else {})
    assert checked.checksums == ({"crc32c": "sOO8/Q=="} if trailing else {})


def test_the_published_example_is_read_byte_by_byte():
    request = example(True)
    body = example_body(True)

    assert unframed(pieces_of(body, [1] * len(body)), request, *proved(request))[0] == DATA


def test_the_line_ends_of_the_published_text_are_read_as_well():
    body = example_body(True).replace(b"sOO8/Q==\r\n", b"sOO8/Q==\n\r\n")

    request = example(True)
    assert unframed(body, request, *proved(request))[0] == DATA


@pytest.mark.parametrize("trailing", [False, True])
@given(data=st.data())
def test_no_byte_of_a_signed_stream_can_be_changed(trailing, data):
    body, request = bytearray(example_body(trailing)), example(trailing)
    edges = st.sampled_from([*range(90), *range(65620, 65720), *range(len(body) - 350, len(body))])
    at = data.draw(edges | st.integers(0, len(body) - 1))
    changed = data.draw(st.integers(0, 255).filter(lambda byte: chr(byte).lower() != chr(body[at]).lower()))
    body[at] = changed

    try:
        read, checked = unframed(bytes(body), request, *proved(request))
    except AwsError:
        return
    # White space around a trailer's value and the line ends after it are all that is not signed.
    assert (read, checked.trailers) == (DATA, {"x-amz-checksum-crc32c": "sOO8/Q=="} if trailing else {})
    assert trailing and chr(changed).isspace()


@pytest.mark.parametrize("trailing", [False, True])
@settings(max_examples=40)
@given(end=st.integers(0, 66000) | st.integers(66300, 66820))
def test_a_stream_cut_short_is_refused(trailing, end):
    request = example(trailing)

    assert refusal(example_body(trailing)[:end], request, *proved(request)) in (
        "IncompleteBody",
        "SignatureDoesNotMatch",
    )


def test_a_chunk_cannot_be_left_out():
    request, body = example(False), example_body(False)
    without = body[: body.index(b"400;")] + body[body.index(b"0;chunk-signature=b6c6") :]

    assert refusal(without, request, *proved(request)) == "SignatureDoesNotMatch"


def test_the_chunks_of_a_signed_stream_must_be_signed():
    request = example(False)
    body = b"10400\r\n" + DATA + b"\r\n0\r\n\r\n"

    assert refusal(body, request, *proved(request)) == "InvalidRequest"
    assert refusal(body, request) == "InvalidRequest"


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


def plain(data, **headers):
    fixed = {"content-length": str(len(data))}
    return HttpRequest("PUT", "/b/k", "", fixed | {name.replace("_", "-"): value for name, value in headers.items()})


def test_a_plain_body_is_compared_with_its_hash():
    right = hashlib.sha256(b"abc").hexdigest()

    assert unframed(pieces_of(b"abc", [1]), plain(b"abc", x_amz_content_sha256=right))[0] == b"abc"
    assert refusal(b"abd", plain(b"abc", x_amz_content_sha256=right)) == "XAmzContentSHA256Mismatch"


def test_a_plain_body_shorter_than_its_length_is_incomplete():
    assert refusal(pieces_of(b"ab", [1]), plain(b"abc")) == "IncompleteBody"


def test_content_md5_is_checked():
    right = b64encode(hashlib.md5(b"abc").digest()).decode()

    assert unframed(b"abc", plain(b"abc", content_md5=right))[0] == b"abc"
    assert refusal(b"abd", plain(b"abc", content_md5=right)) == "BadDigest"


@pytest.mark.parametrize("value", ["", "x", "YWJj", "kAFQmDzST7DWlj99KOF/cg=", "\u00e9"])
def test_a_content_md5_that_is_none_is_an_invalid_digest(value):
    assert refusal(b"abc", plain(b"abc", content_md5=value)) == "InvalidDigest"


def test_a_checksum_in_the_header_is_checked():
    assert unframed(b"abc", plain(b"abc", x_amz_checksum_crc32="NSRBwg=="))[1].checksums == {"crc32": "NSRBwg=="}
    assert refusal(b"abd", plain(b"abc", x_amz_checksum_crc32="NSRBwg==")) == "BadDigest"
    assert refusal(b"abc", plain(b"abc", x_amz_checksum_crc32="crc")) == "InvalidRequest"


def test_the_checksum_of_a_whole_object_is_not_taken_for_the_bodys():
    request = HttpRequest("POST", "/b/k", "uploadId=1", {"x-amz-checksum-crc32": "AAAAAA=="})

    assert unframed(b"<xml/>", request)[0] == b"<xml/>"


def test_an_unsigned_body_passes_without_being_copied():
    piece = bytes(100_000)

    async def body():
        yield piece

    async def read():
        return [got async for got in verified(body(), plain(piece), None)]

    [got] = asyncio.run(read())
    assert got is piece


@pytest.mark.parametrize(
    ("header", "left"),
    [("aws-chunked", None), ("gzip,aws-chunked", "gzip"), ("AWS-Chunked, br", "br"), ("gzip", "gzip")],
)
def test_aws_chunked_is_not_kept_as_the_objects_encoding(header, left):
    assert stored_encoding(header) == left


def test_a_verified_body_can_be_passed_on_as_a_requests_own():
    request = plain(b"abc", x_amz_checksum_crc32="NSRBwg==")
    request.body = verified(b"abc", request, None)

    async def read():
        return await anext(request.body), await anext(request.body, None)

    assert asyncio.run(read()) == (b"abc", None)
    assert request.body.checksums == {"crc32": "NSRBwg=="}
