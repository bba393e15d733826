"""Chunks that are signed one by one are read however they are split, and none of them can be changed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire.streamed import pieces_of, refusal, unframed

from skylab.wire import sigv4
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
