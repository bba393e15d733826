"""Signatures of version 4: what botocore signs is proved, and nothing that was changed since."""

import hashlib
from dataclasses import replace
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from hypothesis import assume, given
from hypothesis import strategies as st
from wire.signed import HEADER_SIGNERS, QUERY_SIGNERS, SECRET, prove, refusal, signed

from skylab.wire.http import HttpRequest
from skylab.wire.sigv4 import check_payload, read

SEGMENTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["..", ".", "", "a+b", "%2F", "a b"])
PATHS = st.lists(SEGMENTS, max_size=5).map(lambda parts: "/" + "/".join(quote(part, safe="~") for part in parts))
QUERIES = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=4)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
HEADERS = st.dictionaries(st.from_regex(r"x-amz-[a-z]{1,8}", fullmatch=True), VALUES, max_size=4)
BODIES = st.binary(max_size=50)


@pytest.mark.parametrize(("signer", "service"), HEADER_SIGNERS)
@given(path=PATHS, query=QUERIES, headers=HEADERS, body=BODIES)
def test_what_botocore_signs_in_the_header_is_proved(signer, service, path, query, headers, body):
    assume(not {"x-amz-date", "x-amz-content-sha256"} & set(headers))
    assume(not path.startswith("//"))  # urlsplit would take it for a host
    request = signed(signer, service, path, query, headers, body, token="session")

    assert len(prove(request)) == 32
    signature = read(request)
    assert (signature.access_key, signature.region, signature.service) == ("AKIDEXAMPLE", "eu-west-1", service)
    assert (signature.token, signature.presigned, signature.expires) == ("session", False, None)
    check_payload(body, signature)


@pytest.mark.parametrize(("signer", "service"), QUERY_SIGNERS)
@given(path=PATHS, query=QUERIES, headers=HEADERS, expires=st.integers(1, 604800))
def test_what_botocore_presigns_is_proved(signer, service, path, query, headers, expires):
    assume(not {"x-amz-date", "x-amz-content-sha256"} & set(headers))
    assume(not path.startswith("//"))
    request = signed(signer, service, path, query, headers, method="GET", token="session", expires=expires)

    assert len(prove(request)) == 32
    signature = read(request)
    assert (signature.token, signature.presigned, signature.expires) == ("session", True, expires)
    assert signature.payload == ("UNSIGNED-PAYLOAD" if service == "s3" else "")


def test_the_published_s3_examples_are_proved():
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and sigv4-query-string-auth.html"""
    empty = hashlib.sha256().hexdigest()
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": empty,
        "x-amz-date": "20130524T000000Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    }
    prove(HttpRequest("GET", "/test.txt", "", headers))

    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
        "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"
        "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    prove(HttpRequest("GET", "/test.txt", query, {"host": "examplebucket.s3.amazonaws.com"}))


def test_the_date_header_serves_where_there_is_no_x_amz_date():
    request = signed(SigV4Auth, "logs", headers={"Date": "now"})

    assert "x-amz-date" not in request.headers
    assert len(prove(request)) == 32


def test_the_path_of_s3_is_read_the_same_however_it_is_encoded():
    request = signed(S3SigV4Auth, "s3", "/b/a%20%28b%29~")
    request.path = "/b/a%20(b)%7e"

    prove(request)


def test_a_plus_in_a_query_is_a_space():
    request = signed(S3SigV4Auth, "s3", "/b", {"prefix": "a b"})
    request.query = "prefix=a+b"

    prove(request)


def tampered(request):
    """The same request with one thing changed, each in turn."""
    headers = request.headers
    yield replace(request, method="PUT")
    yield replace(request, path=request.path + "x")
    yield replace(request, query=request.query + "&more=1")
    yield replace(request, query=request.query.replace("a=1", "a=2"))
    for name in ("host", "x-amz-target", "x-amz-security-token", "x-amz-empty"):
        if name in headers:
            yield replace(request, headers=headers | {name: headers[name] + "x"})
            yield replace(request, headers={other: value for other, value in headers.items() if other != name})
    yield replace(request, headers=headers | {"x-amz-unsigned": "1"})
    if "authorization" in headers:
        changes = [
            ("eu-west-1", "us-east-1"),
            ("AKIDEXAMPLE", "AKIDOTHER"),
            ("host;", ""),
            ("Signature=", "Signature=0"),
        ]
        for old, new in changes:
            yield replace(request, headers=headers | {"authorization": headers["authorization"].replace(old, new)})
    else:
        for old, new in [("eu-west-1", "us-east-1"), ("Expires=60", "Expires=61"), ("Token=s", "Token=t")]:
            yield replace(request, query=request.query.replace(old, new))


@pytest.mark.parametrize(("signer", "service"), HEADER_SIGNERS + QUERY_SIGNERS)
def test_no_part_of_a_signed_request_can_be_changed(signer, service):
    options = {"expires": 60} if (signer, service) in QUERY_SIGNERS else {}
    headers = {"X-Amz-Target": "Service.Read", "X-Amz-Empty": ""}
    request = signed(signer, service, "/path", {"a": "1"}, headers, b"", token="session", **options)
    prove(request)

    for changed in tampered(request):
        # The access key only says whose secret to fetch: the caller fetches another one.
        secret = SECRET if read(changed).access_key == "AKIDEXAMPLE" else "another"
        assert changed != request
        assert refusal(prove, changed, secret).status == 403, changed


def test_the_body_of_other_services_is_part_of_the_signature():
    request = signed(SigV4Auth, "sagemaker", body=b"{}")

    assert refusal(prove, replace(request, body=b"[]")).code == "SignatureDoesNotMatch"


def test_the_body_of_s3_is_compared_with_its_header():
    signature = read(signed(S3SigV4Auth, "s3", body=b"abc"))

    check_payload(b"abc", signature)
    error = refusal(check_payload, b"abd", signature)
    assert (error.code, error.status) == ("XAmzContentSHA256Mismatch", 400)
    check_payload(b"anything", replace(signature, payload="UNSIGNED-PAYLOAD"))
    streamed = replace(signature, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    assert refusal(check_payload, b"abc", streamed).code == "NotImplemented"


def test_a_wrong_secret_is_refused():
    for signer, service in HEADER_SIGNERS:
        error = refusal(prove, signed(signer, service), "another")
        assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)
