"""Signatures of version 4 that are too old, not whole, of another kind or no signatures at all."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4QueryAuth
from hypothesis import given
from hypothesis import strategies as st
from wire.signed import HEADER_SIGNERS, QUERY_SIGNERS, prove, refusal, signed

from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.sigv4 import read


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_request_is_good_for_fifteen_minutes(minutes):
    for signer, service in HEADER_SIGNERS:
        request = signed(signer, service)
        time = read(request).time
        prove(request, now=time + timedelta(minutes=minutes - minutes // 16))
        error = refusal(prove, request, now=time + timedelta(minutes=minutes))
        assert error.code == ("RequestTimeTooSkewed" if service == "s3" else "SignatureDoesNotMatch")
        assert service == "s3" or re.match("Signature (expired|not yet current): ", error.message)


def test_a_presigned_s3_request_expires():
    request = signed(S3SigV4QueryAuth, "s3", "/b/k", expires=3600)
    time = read(request).time

    prove(request, now=time + timedelta(hours=1))
    late = refusal(prove, request, now=time + timedelta(hours=1, seconds=1))
    assert (late.code, late.message, late.status) == ("AccessDenied", "Request has expired", 403)
    early = refusal(prove, request, now=time - timedelta(minutes=16))
    assert (early.code, early.message) == ("AccessDenied", "Request is not yet valid")


def test_a_presigned_request_of_another_service_expires():
    request = signed(SigV4QueryAuth, "sts", expires=60)

    error = refusal(prove, request, now=read(request).time + timedelta(seconds=61))
    assert error.code == "SignatureDoesNotMatch"
    assert error.message.startswith("Signature expired: ")


@pytest.mark.parametrize(
    ("expires", "words"),
    [
        ("0", "non-negative"),
        ("-1", "non-negative"),
        ("604801", "less than a week"),
        ("1.5", "number"),
        ("9" * 99, "number"),
    ],
)
def test_x_amz_expires_is_one_second_to_a_week(expires, words):
    request = signed(S3SigV4QueryAuth, "s3", "/b/k", expires=3600)
    error = refusal(read, replace(request, query=request.query.replace("Expires=3600", f"Expires={expires}")))

    assert error.code == "AuthorizationQueryParametersError"
    assert words in error.message


@pytest.mark.parametrize("name", ["Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires"])
def test_a_presigned_s3_request_has_every_parameter_once(name):
    query = signed(S3SigV4QueryAuth, "s3", "/b/k").query
    [pair] = [pair for pair in query.split("&") if pair.startswith(f"X-Amz-{name}=")]

    for changed in (query.replace(pair, ""), f"{query}&{pair}"):
        code = refusal(read, HttpRequest("GET", "/b/k", changed, {"host": "h"})).code
        # Without its credential nobody can tell that it was meant for S3.
        assert code == "AuthorizationQueryParametersError" or (name == "Credential" and code == "IncompleteSignature")


@pytest.mark.parametrize("name", ["Credential", "SignedHeaders", "Signature"])
def test_an_authorization_header_has_every_part(name):
    for signer, service in HEADER_SIGNERS:
        request = signed(signer, service)
        header = re.sub(rf"{name}=[^,]*(, )?", "", request.headers["authorization"])
        error = refusal(read, replace(request, headers=request.headers | {"authorization": header}))
        assert error.code == ("AuthorizationHeaderMalformed" if service == "s3" else "IncompleteSignature")
        assert name in error.message
        assert "AKIDEXAMPLE" not in error.message


CREDENTIALS = [
    "AKID/20250101/r/{}",
    "AKID/2025/r/{}/aws4_request",
    "AKID/20250101/r/{}/aws5",
    "AKID//r/{}/aws4_request",
]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_malformed_credential_is_refused(credential):
    for signer, service in HEADER_SIGNERS:
        request = signed(signer, service)
        changed = f"Credential={credential.format(service)},"
        header = re.sub("Credential=[^,]*,", changed, request.headers["authorization"])
        error = refusal(read, replace(request, headers=request.headers | {"authorization": header}))
        assert error.code == ("AuthorizationHeaderMalformed" if service == "s3" else "IncompleteSignature")


def test_the_date_of_the_scope_is_that_of_the_request():
    for signer, service in HEADER_SIGNERS:
        request = signed(signer, service)
        day = read(request).date
        header = request.headers["authorization"].replace(day, "20130524")
        error = refusal(read, replace(request, headers=request.headers | {"authorization": header}))
        assert error.code == ("AuthorizationHeaderMalformed" if service == "s3" else "SignatureDoesNotMatch")


@pytest.mark.parametrize("date", ["", "yesterday", "20251301T000000Z", "20250101T000000", "2025-01-01T00:00:00Z"])
def test_a_request_needs_a_date(date):
    for signer, service in HEADER_SIGNERS:
        request = signed(signer, service)
        error = refusal(read, replace(request, headers=request.headers | {"x-amz-date": date}))
        assert error.code == ("AccessDenied" if service == "s3" else "IncompleteSignature")


@pytest.mark.parametrize("date", ["00010101T000000Z", "99991231T235959Z"])
def test_a_date_at_the_end_of_time_is_refused_and_not_a_failure(date):
    for signer, service in HEADER_SIGNERS + QUERY_SIGNERS:
        request = signed(signer, service)
        stamp, day = read(request).stamp, read(request).date
        header = request.headers.get("authorization", "").replace(day, date[:8])
        headers = request.headers | ({"x-amz-date": date, "authorization": header} if header else {})
        query = request.query.replace(stamp, date).replace(day, date[:8])
        now = datetime(2025, 1, 1, tzinfo=UTC)
        assert refusal(prove, replace(request, headers=headers, query=query), now=now).code


@pytest.mark.parametrize("value", [None, "abc", "A" * 64, "STREAMING-NOTHING"])
def test_s3_wants_the_hash_of_the_body_or_a_word_for_it(value):
    request = signed(S3SigV4Auth, "s3")
    del request.headers["x-amz-content-sha256"]
    headers = request.headers | ({"x-amz-content-sha256": value} if value else {})

    assert refusal(read, replace(request, headers=headers)).code == ("InvalidArgument" if value else "InvalidRequest")


def test_an_unsigned_request_has_no_signature():
    assert read(HttpRequest("GET", "/b/k", "list-type=2&Signature", {"host": "h"})) is None


@pytest.mark.parametrize(
    ("query", "authorization", "code"),
    [
        ("AWSAccessKeyId=AKID&Signature=x&Expires=1", "", "InvalidRequest"),
        ("Action=A&SignatureVersion=2&AWSAccessKeyId=AKID", "", "InvalidRequest"),
        ("", "AWS AKID:c2lnbmF0dXJl", "InvalidRequest"),
        ("X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256", "", "InvalidRequest"),
        ("", "AWS4-ECDSA-P256-SHA256 Credential=AKID/20250101/s3/aws4_request", "InvalidRequest"),
        ("", "Bearer token", "IncompleteSignature"),
        ("", "Basic dTpw/s3/", "InvalidArgument"),
        ("X-Amz-Signature=x", "AWS4-HMAC-SHA256 Credential=x", "InvalidArgument"),
    ],
)
def test_another_kind_of_signature_is_refused(query, authorization, code):
    headers = {"host": "h"} | ({"authorization": authorization} if authorization else {})
    error = refusal(read, HttpRequest("GET", "/b/k", query, headers))

    assert (error.code, error.status) == (code, 400)


@given(
    authorization=st.text(max_size=60) | st.text(max_size=60).map("AWS4-HMAC-SHA256 Credential=".__add__),
    query=st.text(max_size=60) | st.text(max_size=60).map("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=".__add__),
    date=st.text(max_size=30),
)
def test_whatever_is_sent_is_read_or_refused(authorization, query, date):
    headers = {"host": "h", "authorization": authorization, "x-amz-date": date, "date": date}
    request = HttpRequest("GET", "/", query, headers)

    try:
        signature = read(request)
    except AwsError:
        return
    assert signature is None or refusal(prove, request)
