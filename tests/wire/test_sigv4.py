import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import assume, given
from hypothesis import strategies as st

from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.sigv4 import check_payload, read, verify

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
HEADER_SIGNERS = [(SigV4Auth, "sagemaker"), (S3SigV4Auth, "s3")]
QUERY_SIGNERS = [(SigV4QueryAuth, "sts"), (S3SigV4QueryAuth, "s3")]

SEGMENTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["..", ".", "", "a+b", "%2F", "a b"])
PATHS = st.lists(SEGMENTS, max_size=5).map(lambda parts: "/" + "/".join(quote(part, safe="~") for part in parts))
QUERIES = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=4)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
HEADERS = st.dictionaries(st.from_regex(r"x-amz-[a-z]{1,8}", fullmatch=True), VALUES, max_size=4)
BODIES = st.binary(max_size=50)


def as_received(signed):
    parts = urlsplit(signed.url)
    headers = {"host": parts.netloc} | {name.lower(): str(value) for name, value in signed.headers.items()}
    return HttpRequest(signed.method, parts.path, parts.query, headers, signed.data or b"")


def encoded(query):
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query.items())


def signed(signer, service, path="/", query=None, headers=None, body=b"", method="POST", token=None, **options):
    url = f"https://host.test:4566{path}" + (f"?{encoded(query)}" if query else "")
    request = AWSRequest(method, url, headers or {}, body)
    signer(Credentials("AKIDEXAMPLE", SECRET, token), service, "eu-west-1", **options).add_auth(request)
    return as_received(request)


def prove(request, secret=SECRET, now=None, **changes):
    signature = replace(read(request), **changes)
    return verify(request, signature, secret, now or signature.time, hashlib.sha256(request.body).hexdigest())


def refusal(action, *arguments, **options):
    with pytest.raises(AwsError) as raised:
        action(*arguments, **options)
    return raised.value


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
