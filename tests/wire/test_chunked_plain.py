"""Bodies that come in one piece, and what is kept of their encoding."""

import asyncio
import hashlib
from base64 import b64encode

import pytest
from wire.streamed import pieces_of, refusal, unframed

from skylab.wire.chunked import stored_encoding, verified
from skylab.wire.http import HttpRequest


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
