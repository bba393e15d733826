"""Pages of other origins. https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html"""

import asyncio

import pytest

from skylab.wire.http import HttpRequest

PAGE = "http://www.example.com"
RULES = [
    {
        "AllowedOrigins": [PAGE, "https://*.example.org"], "AllowedMethods": ["PUT", "POST"],
        "AllowedHeaders": ["content-type", "x-amz-*"], "MaxAgeSeconds": 3000,
        "ExposeHeaders": ["ETag", "x-amz-request-id"],
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]},
]  # fmt: skip
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"


@pytest.fixture
def ask(lone, s3):
    """ask(method, path, **headers) -> answer of a request that nobody signed."""

    def ask(method, path="/box/k", **headers):
        headers = {"host": "localhost:4566"} | {name.replace("_", "-"): value for name, value in headers.items()}
        handled = lone.cloud.gateway.handle(HttpRequest(method, path, "", headers))
        return asyncio.run_coroutine_threadsafe(handled, lone.cloud.loop).result(30)

    s3.put_bucket_cors(Bucket="box", CORSConfiguration={"CORSRules": RULES})
    return ask


def preflight(ask, origin, method, headers=None, **more):
    wanted = {"access_control_request_headers": headers} if headers else {}
    return ask("OPTIONS", origin=origin, access_control_request_method=method, **wanted, **more)


def test_rules_are_kept_and_forgotten(s3, refused):
    assert refused(s3.get_bucket_cors, Bucket="box") == ("NoSuchCORSConfiguration", 404)
    s3.put_bucket_cors(Bucket="box", CORSConfiguration={"CORSRules": RULES})
    assert s3.get_bucket_cors(Bucket="box")["CORSRules"] == RULES
    s3.delete_bucket_cors(Bucket="box")
    assert refused(s3.get_bucket_cors, Bucket="box") == ("NoSuchCORSConfiguration", 404)


@pytest.mark.parametrize("code, rule", [
    ("InvalidRequest", {"AllowedMethods": ["PATCH"]}),
    ("InvalidRequest", {"AllowedOrigins": ["http://*.*.com"]}),
    ("InvalidRequest", {"AllowedHeaders": ["*-*"]}),
    ("InvalidRequest", {"ExposeHeaders": ["x-*"]}),
    ("MalformedXML", {"ID": "x" * 256}),
])  # fmt: skip
def test_rules_that_are_none(s3, refused, code, rule):
    whole = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]} | rule
    assert refused(s3.put_bucket_cors, Bucket="box", CORSConfiguration={"CORSRules": [whole]}) == (code, 400)
    many = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}] * 101}
    assert refused(s3.put_bucket_cors, Bucket="box", CORSConfiguration=many) == ("MalformedXML", 400)


def test_a_preflight_hears_what_the_first_rule_that_fits_allows(ask):
    answer = preflight(ask, PAGE, "PUT", "Content-Type, x-amz-meta-a")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers == {
        "access-control-allow-origin": PAGE, "access-control-allow-credentials": "true", "vary": VARY,
        "access-control-allow-methods": "PUT, POST", "access-control-allow-headers": "content-type, x-amz-meta-a",
        "access-control-max-age": "3000", "access-control-expose-headers": "ETag, x-amz-request-id",
    }  # fmt: skip
    assert (
        preflight(ask, "https://a.example.org", "POST").headers["access-control-allow-origin"]
        == "https://a.example.org"
    )
    anybody = preflight(ask, "null", "GET").headers
    assert anybody == {"access-control-allow-origin": "*", "access-control-allow-methods": "GET", "vary": VARY}


@pytest.mark.parametrize("origin, method, headers", [
    ("http://www.example.com.evil.org", "PUT", None),
    ("https://example.org", "PUT", None),
    (PAGE, "DELETE", None),
    (PAGE, "PUT", "authorization"),
    (PAGE, "GET", "content-type"),  # the rule for GET allows no headers
])  # fmt: skip
def test_a_preflight_that_no_rule_fits_is_forbidden(ask, origin, method, headers):
    answer = preflight(ask, origin, method, headers)
    assert answer.status == 403 and b"<Code>AccessForbidden</Code>" in answer.body
    assert b"This CORS request is not allowed" in answer.body and "access-control-allow-origin" not in answer.headers


def test_a_preflight_without_rules_or_sense_says_so(ask, s3):
    assert ask("OPTIONS").status == 400
    assert b"Invalid Access-Control-Request-Method" in ask("OPTIONS", origin=PAGE).body
    assert b"Bucket not found" in preflight(ask, PAGE, "GET", path="/nowhere/k").body
    s3.delete_bucket_cors(Bucket="box")
    assert b"CORS is not enabled for this bucket" in preflight(ask, PAGE, "GET").body


def test_a_preflight_knows_the_bucket_of_a_host_name(ask):
    answer = preflight(ask, PAGE, "GET", path="/k", host="box.s3.us-east-1.amazonaws.com")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_answers_and_refusals_say_it_too_where_a_rule_fits(ask, s3):
    s3.meta.events.register("before-sign.s3", lambda request, **_: request.headers.add_header("origin", PAGE))

    put = s3.put_object(Bucket="box", Key="k", Body=b"x")["ResponseMetadata"]["HTTPHeaders"]
    got = s3.get_object(Bucket="box", Key="k")["ResponseMetadata"]["HTTPHeaders"]

    assert (put["access-control-allow-origin"], put["vary"]) == (PAGE, VARY)
    assert (got["access-control-allow-origin"], got["vary"]) == ("*", VARY)
    assert (
        "access-control-allow-origin" not in s3.delete_object(Bucket="box", Key="k")["ResponseMetadata"]["HTTPHeaders"]
    )
    denied = ask("GET", origin=PAGE)
    assert (denied.status, denied.headers["access-control-allow-origin"]) == (403, "*")
    assert "vary" not in ask("GET").headers
