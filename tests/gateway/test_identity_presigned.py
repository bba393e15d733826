"""Addresses that are signed beforehand, and what they open."""

import asyncio
import re
from urllib.parse import urlsplit

import pytest
from gateway.callers import administrator, client_of

from skylab.wire.http import HttpRequest


def fetched(cloud, url, method="GET", body=b"", **headers):
    """(status, error code or body) of a presigned URL."""
    parts = urlsplit(url)
    request = HttpRequest(method, parts.path, parts.query, {"host": parts.netloc} | headers, body)
    answer = asyncio.run_coroutine_threadsafe(cloud.gateway.handle(request), cloud.loop).result()
    if not isinstance(answer.body, bytes):
        return answer.status, answer.body.path.read_bytes()
    code = re.search(rb"<Code>(\w+)</Code>", answer.body)
    return answer.status, code[1].decode() if code else answer.body


@pytest.fixture
def presigned(cloud):
    bucket = f"sagemaker-{cloud.settings.region}-{cloud.settings.account}"
    s3 = client_of(cloud, "s3", administrator(cloud), signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="a b", Body=b"hello")
    return s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b"}, ExpiresIn=60)


def test_a_presigned_url_works_until_its_end(cloud, presigned):
    assert fetched(cloud, presigned) == (200, b"hello")
    cloud.clock.advance(seconds=60)
    assert fetched(cloud, presigned) == (200, b"hello")
    cloud.clock.advance(seconds=1)
    assert fetched(cloud, presigned) == (403, "AccessDenied")


def test_a_presigned_url_opens_nothing_but_what_it_was_made_for(cloud, presigned):
    assert fetched(cloud, presigned.replace("a%20b", "other")) == (403, "SignatureDoesNotMatch")
    assert fetched(cloud, presigned.replace("X-Amz-Expires=60", "X-Amz-Expires=600")) == (403, "SignatureDoesNotMatch")
    assert fetched(cloud, presigned, "DELETE") == (403, "SignatureDoesNotMatch")
    token = re.sub(r"X-Amz-Security-Token=[^&]+", "X-Amz-Security-Token=other", presigned)
    assert fetched(cloud, token) == (403, "SignatureDoesNotMatch")
    assert fetched(cloud, presigned) == (200, b"hello")


def test_a_request_signed_twice_is_refused(cloud, presigned):
    assert fetched(cloud, presigned, authorization="AWS4-HMAC-SHA256 Credential=") == (400, "InvalidArgument")


def test_a_presigned_url_of_signature_version_2_is_refused_with_what_to_use(cloud):
    s3 = client_of(cloud, "s3", administrator(cloud), signature_version="s3")
    url = s3.generate_presigned_url("get_object", {"Bucket": "b", "Key": "k"})
    parts = urlsplit(url)

    asked = HttpRequest("GET", parts.path, parts.query, {"host": parts.netloc}, b"")
    answer = asyncio.run_coroutine_threadsafe(cloud.gateway.handle(asked), cloud.loop).result()

    assert answer.status == 400
    assert b"mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256." in answer.body
