"""What only S3 has: many operations on one URL, keys of any spelling, answers without a model."""

from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from wire_samples import parsed, request_of

from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.model import service_model
from skylab.wire.protocols import protocol

S3 = service_model("s3")
WIRE = protocol(S3, HttpRequest("GET", "/", "", {}))


@pytest.mark.parametrize(
    "method, url, headers, name",
    [
        ("PUT", "/b/k", {}, "PutObject"),
        ("PUT", "/b/k?x-id=PutObject", {}, "PutObject"),
        ("PUT", "/b/k?partNumber=1", {}, "PutObject"),
        ("PUT", "/b/k", {"x-amz-copy-source": "/b/o"}, "CopyObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {}, "UploadPart"),
        ("PUT", "/b/k?uploadId=u&partNumber=1&x-id=UploadPart", {}, "UploadPart"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {"x-amz-copy-source": "/b/o"}, "UploadPartCopy"),
        ("PUT", "/b/k?tagging", {}, "PutObjectTagging"),
        ("PUT", "/b/k?tagging=", {}, "PutObjectTagging"),
        ("PUT", "/b/k?acl", {"x-amz-copy-source": "/b/o"}, "PutObjectAcl"),
        ("GET", "/b/k", {}, "GetObject"),
        ("GET", "/b/k?versionId=1&response-content-type=a", {}, "GetObject"),
        ("GET", "/b/k?tagging&versionId=1", {}, "GetObjectTagging"),
        ("GET", "/b/k?uploadId=u", {}, "ListParts"),
        ("GET", "/b/k?attributes", {"x-amz-object-attributes": "ETag"}, "GetObjectAttributes"),
        ("GET", "/b/k?attributes", {}, "GetObjectAttributes"),
        ("HEAD", "/b/k", {}, "HeadObject"),
        ("DELETE", "/b/k", {}, "DeleteObject"),
        ("DELETE", "/b/k?uploadId=u", {}, "AbortMultipartUpload"),
        ("DELETE", "/b/k?annotation", {}, "DeleteObjectAnnotation"),
        ("POST", "/b/k?uploads", {}, "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", {}, "CompleteMultipartUpload"),
        ("POST", "/b?delete", {}, "DeleteObjects"),
        ("POST", "/b/?delete=", {}, "DeleteObjects"),
        ("GET", "/b", {}, "ListObjects"),
        ("GET", "/b/", {}, "ListObjects"),
        ("GET", "/b?prefix=a&max-keys=2", {}, "ListObjects"),
        ("GET", "/b?list-type=2", {}, "ListObjectsV2"),
        ("GET", "/b?list-type=1", {}, "ListObjects"),
        ("GET", "/b?location", {}, "GetBucketLocation"),
        ("GET", "/b/?versions&prefix=", {}, "ListObjectVersions"),
        ("GET", "/b?uploads", {}, "ListMultipartUploads"),
        ("GET", "/b?lifecycle", {}, "GetBucketLifecycleConfiguration"),
        ("GET", "/b?notification", {}, "GetBucketNotificationConfiguration"),
        ("GET", "/b?analytics", {}, "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?analytics&id=1", {}, "GetBucketAnalyticsConfiguration"),
        ("PUT", "/b", {}, "CreateBucket"),
        ("PUT", "/b?policy", {}, "PutBucketPolicy"),
        ("DELETE", "/b", {}, "DeleteBucket"),
        ("DELETE", "/b?policy", {}, "DeleteBucketPolicy"),
        ("DELETE", "/b?analytics", {}, "DeleteBucketAnalyticsConfiguration"),
        ("HEAD", "/b", {}, "HeadBucket"),
        ("GET", "/", {}, "ListBuckets"),
    ],
)
def test_one_url_means_what_its_query_and_headers_say(method, url, headers, name):
    path, _, query = url.partition("?")
    assert WIRE.operation(HttpRequest(method, path, query, headers)).name == name


def test_a_method_that_a_resource_lacks_is_405():
    request = HttpRequest("PATCH", "/b/k", "", {})
    with pytest.raises(AwsError) as raised:
        WIRE.operation(request)

    answer = WIRE.refuse(None, raised.value, "r", request)

    assert (answer.status, parsed(None, answer, "rest-xml")["Error"]["Code"]) == (405, "MethodNotAllowed")


@pytest.mark.parametrize(
    "sent, key",
    [
        ("a/b", "a/b"),
        ("a//b", "a//b"),
        ("/a", "/a"),
        ("a/", "a/"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("a%20b", "a b"),
        ("a%252Fb", "a%2Fb"),
        ("a%2Fb", "a/b"),
        ("%E6%97%A5/%F0%9F%98%80", "日/😀"),
        ("a%0Ab", "a\nb"),
        ("a%3Fb%23c", "a?b#c"),
        ("..%2F..%2Fetc", "../../etc"),
        ("100%", "100%"),
    ],
)
def test_a_key_is_decoded_exactly_once(sent, key):
    request = HttpRequest("GET", f"/bucket/{sent}", "", {})
    assert WIRE.parse(WIRE.operation(request), request) == {"Bucket": "bucket", "Key": key}


def test_a_key_that_is_not_utf8_is_refused():
    request = HttpRequest("GET", "/bucket/%ff", "", {})
    with pytest.raises(AwsError, match="parse the specified URI"):
        WIRE.parse(WIRE.operation(request), request)


def test_a_put_from_a_real_client_reads_as_it_was_meant():
    seen = []

    def capture(request, **_):
        url = urlsplit(request.url)
        headers = {k.lower(): v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()}
        seen.append(HttpRequest(request.method, url.path, url.query, headers, b"body"))
        return AWSResponse(request.url, 200, {}, None)

    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0})
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    client = boto3.client("s3", config=config, **keys)
    client.meta.events.register("before-send.s3", capture)
    for key in ("a b/ü+c//d/", "plain"):
        try:
            client.put_object(Bucket="bucket", Key=key, Body=b"body", Metadata={"Owner-Id": "me"}, Tagging="a=1")
        except AttributeError:
            pass  # the answer has no body to read; the request is what matters

    for request, key in zip(seen, ("a b/ü+c//d/", "plain"), strict=True):
        operation = WIRE.operation(request)
        params = WIRE.parse(operation, request)
        assert operation.name == "PutObject"
        assert (params["Bucket"], params["Key"], params["Body"]) == ("bucket", key, b"body")
        assert (params["Metadata"], params["Tagging"]) == ({"owner-id": "me"}, "a=1")


def test_the_location_of_a_bucket_is_the_whole_answer():
    operation = S3.operation_model("GetBucketLocation")
    there = WIRE.answer(operation, {"LocationConstraint": "eu-west-1"}, "r").body
    home = WIRE.answer(operation, {}, "r").body
    assert b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-west-1</' in there
    assert b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></' in home


def test_a_part_of_an_object_is_206_and_its_body_goes_out_as_it_is():
    span = iter(())
    result = {"Body": span, "ContentRange": "bytes 10-14/20", "ContentLength": 5, "ETag": '"e"', "Metadata": {"a": "b"}}
    answer = WIRE.answer(S3.operation_model("GetObject"), result, "r")
    assert answer.status == 206
    assert answer.body is span
    assert answer.headers["content-length"] == "5"
    assert answer.headers["x-amz-meta-a"] == "b"
    assert answer.headers["x-amz-request-id"] == "r"


def test_a_presigned_url_carries_headers_in_its_query():
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&x-amz-copy-source=%2Fb%2Fo&x-amz-meta-Owner=me&X-Amz-Signature=0"
    request = HttpRequest("PUT", "/b/k", query, {})
    operation = WIRE.operation(request)
    params = WIRE.parse(operation, request)
    assert (operation.name, params["CopySource"], params["Metadata"]) == ("CopyObject", "/b/o", {"owner": "me"})


def test_a_stream_is_handed_on_unread():
    async def stream():
        yield b""  # pragma: no cover

    body = stream()
    request = HttpRequest("PUT", "/b/k", "", {}, body)
    assert WIRE.parse(WIRE.operation(request), request)["Body"] is body


def test_a_header_stays_one_header():
    result = {"ContentDisposition": "a\r\nx-amz-evil: 1", "Metadata": {"name": "日本"}}
    headers = WIRE.answer(S3.operation_model("GetObject"), result, "r").headers
    assert headers["content-disposition"] == "a x-amz-evil: 1"
    assert headers["x-amz-meta-name"] == "=?UTF-8?B?5pel5pys?="


def test_delete_answers_204_without_body():
    answer = WIRE.answer(S3.operation_model("DeleteObject"), {"DeleteMarker": True, "VersionId": "v"}, "r")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["x-amz-delete-marker"] == "true"


@pytest.mark.parametrize(
    "code, status",
    [("NoSuchKey", 404), ("NoSuchBucket", 404), ("PreconditionFailed", 412), ("InvalidRange", 416), ("Odd", 400)]
    + [("BucketNotEmpty", 409), ("AccessDenied", 403), ("InternalError", 500), ("SlowDown", 503)],
)
def test_an_error_has_s3s_status(code, status):
    request = HttpRequest("GET", "/b/k<", "", {})
    answer = WIRE.refuse(S3.operation_model("GetObject"), AwsError(code, "m & <m>", Key="k"), "r", request)
    error = parsed(None, answer, "rest-xml")["Error"]
    assert (answer.status, error) == (status, {"Code": code, "Message": "m & <m>", "Key": "k", "Resource": "/b/k<"})


def test_an_error_of_head_has_no_body_and_says_its_headers():
    request = HttpRequest("HEAD", "/b/k", "", {})
    error = AwsError("MethodNotAllowed", "marker", DeleteMarker=True)
    answer = WIRE.refuse(S3.operation_model("HeadObject"), error, "r", request)
    assert (answer.status, answer.body, answer.headers["x-amz-delete-marker"]) == (405, b"", "true")


BOMB = b'<!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;&x;">]><Delete><Object><Key>&y;</Key></Object></Delete>'


@pytest.mark.parametrize(
    "body",
    [
        b"<Delete>",
        b"not xml",
        b"\xff\xfe<",
        BOMB,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><Delete/>',
        b"<a>" * 100_000 + b"</a>" * 100_000,
        b"<Delete>" + b"<a>" * 120 + b"</a>" * 120 + b"</Delete>",
        b"<Delete><Quiet>perhaps</Quiet></Delete>",
        b'<?xml version="1.0" encoding="no-such"?><Delete/>',
    ],
)
def test_hostile_xml_is_malformed_xml(body):
    request = HttpRequest("POST", "/b", "delete", {}, body)
    with pytest.raises(AwsError) as raised:
        WIRE.parse(WIRE.operation(request), request)
    assert (raised.value.code, raised.value.status) == ("MalformedXML", 400)


def test_xml_without_its_namespace_reads_the_same():
    operation = S3.operation_model("PutBucketTagging")
    params = {"Bucket": "b", "Tagging": {"TagSet": [{"Key": "k", "Value": "v"}]}}
    request = request_of(operation, params, "rest-xml")
    request.body = request.body.replace(b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', b"")
    assert WIRE.parse(operation, request)["Tagging"] == params["Tagging"]


def test_a_missing_body_is_said():
    request = HttpRequest("POST", "/b", "delete", {})
    with pytest.raises(AwsError, match="Request body is empty"):
        WIRE.parse(WIRE.operation(request), request)


def test_a_date_that_is_none_is_a_header_that_is_not_there():
    request = HttpRequest("GET", "/b/k", "", {"if-modified-since": "yesterday"})
    assert WIRE.parse(WIRE.operation(request), request) == {"Bucket": "b", "Key": "k"}
