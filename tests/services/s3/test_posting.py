"""Uploads by a browser's form. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html"""

import asyncio
import base64
import json
import re

import botocore.signers
import pytest
from access_steps import doc, policy

from skylab.wire.http import HttpRequest

SEPARATOR = "----WebKitFormBoundaryX"


def form(fields, file=b"hello", filename="photo.jpg", end="--\r\n"):
    parts = [(f'Content-Disposition: form-data; name="{name}"', str(value).encode()) for name, value in fields.items()]
    if file is not None:
        head = f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\nContent-Type: image/jpeg'
        parts.append((head, file))
    lines = [f"--{SEPARATOR}\r\n{head}\r\n\r\n".encode() + value + b"\r\n" for head, value in parts]
    return b"".join(lines) + f"--{SEPARATOR}{end}".encode()


async def pieces(body, size):
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.fixture
def post(lone):
    """post(fields, **form's) -> (status, headers, body as text), in pieces of `size` bytes."""

    def post(fields, path="/box", size=None, host="localhost:4566", headers=(), **made):
        body = form(fields, **made)
        given = {"host": host, "content-type": f"multipart/form-data; boundary={SEPARATOR}", **dict(headers)}
        given["content-length"] = str(len(body))
        request = HttpRequest("POST", path, "", given, pieces(body, size) if size else body)
        answer = asyncio.run_coroutine_threadsafe(lone.cloud.gateway.handle(request), lone.cloud.loop).result(60)
        return answer.status, answer.headers, answer.body.decode()

    return post


@pytest.fixture
def signed(s3, lone, clock, monkeypatch):
    """signed(key, fields, conditions) -> the fields of a form, by boto3."""
    monkeypatch.setattr(botocore.signers, "get_current_datetime", lambda *_, **__: clock.now().replace(tzinfo=None))

    own = lone.client(signature_version="s3v4")

    def signed(key="k", fields=None, conditions=(), client=own, **more):
        every = [{name: value} for name, value in (fields or {}).items()] + list(conditions)
        return client.generate_presigned_post("box", key, fields, every, **more)["fields"]

    return signed


def code(answer):
    return re.search("<Code>(.*?)</Code>", answer[2])[1], answer[0]


def said(answer):
    return re.search("<Message>(.*?)</Message>", answer[2])[1].replace("&quot;", '"')


def test_a_form_becomes_an_object(s3, post, signed):
    status, headers, body = post(signed())

    assert (status, body) == (204, "")
    found = s3.get_object(Bucket="box", Key="k")
    assert found["Body"].read() == b"hello" and found["ContentType"] == "binary/octet-stream"
    assert headers["etag"] == found["ETag"] and headers["location"] == "http://localhost:4566/box/k"


def test_fields_are_what_headers_of_a_put_are(s3, post, signed):
    fields = {
        "Content-Type": "text/plain", "Cache-Control": "max-age=1", "x-amz-meta-Café": "é",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-server-side-encryption": "aws:kms", "success_action_status": "201", "acl": "bucket-owner-full-control",
        "tagging": "<Tagging><TagSet><Tag><Key>a b</Key><Value>c=d</Value></Tag></TagSet></Tagging>",
    }  # fmt: skip
    status, headers, body = post(signed("a/b c.txt", fields))

    found = s3.get_object(Bucket="box", Key="a/b c.txt")
    assert (found["ContentType"], found["CacheControl"], found["StorageClass"]) == (
        "text/plain",
        "max-age=1",
        "STANDARD_IA",
    )
    assert found["ServerSideEncryption"] == headers["x-amz-server-side-encryption"] == "aws:kms"
    assert list(found["Metadata"].values()) == ["\xc3\xa9"]  # as boto3 reads UTF-8 in a header
    assert s3.get_object_tagging(Bucket="box", Key="a/b c.txt")["TagSet"] == [{"Key": "a b", "Value": "c=d"}]
    assert status == 201 and headers["content-type"] == "application/xml"
    etag = found["ETag"]
    location = "http://localhost:4566/box/a/b%20c.txt"
    assert f"<Location>{location}</Location><Bucket>box</Bucket><Key>a/b c.txt</Key><ETag>{etag}</ETag>" in body


@pytest.mark.parametrize("fields, status, location", [
    ({"success_action_status": "200"}, 200, "http://localhost:4566/box/k"),
    ({"success_action_status": "302"}, 204, "http://localhost:4566/box/k"),
    ({"success_action_redirect": "https://example.com/done?a=b"}, 303, "https://example.com/done?a=b&bucket=box&key=k&etag="),
    ({"redirect": "https://example.com/done"}, 303, "https://example.com/done?bucket=box&key=k&etag="),
    ({"success_action_redirect": "javascript:alert(1)"}, 204, "http://localhost:4566/box/k"),
    ({"success_action_redirect": "https://example.com/\r\nset-cookie: a=b"}, 204, "http://localhost:4566/box/k"),
])  # fmt: skip
def test_the_form_says_what_the_browser_hears(post, signed, fields, status, location):
    answer = post(signed(fields=fields))
    assert answer[0] == status and answer[1]["location"].startswith(location) and "set-cookie" not in answer[1]


def test_the_name_of_the_file_may_be_the_key(s3, post, signed):
    fields = signed("up/${filename}", conditions=[["starts-with", "$key", "up/"]])
    assert post(fields, filename="C:\\\\pictures\\\\é.jpg")[0] == 204
    assert post(fields, filename="../../x")[0] == 204
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="box")["Contents"]] == ["up/x", "up/é.jpg"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_form_in_any_pieces_is_the_same_form(s3, post, signed, size):
    content = bytes(range(256)) * 3 + f"\r\n--{SEPARATOR[:-1]}\r\n--".encode()
    assert post(signed(), file=content, size=size)[0] == 204
    assert s3.get_object(Bucket="box", Key="k")["Body"].read() == content


def test_a_bucket_may_be_the_host(s3, post, signed):
    status, headers, _ = post(signed(), path="/", host="box.s3.us-east-1.amazonaws.com")
    assert (status, headers["location"]) == (204, "http://box.s3.us-east-1.amazonaws.com/k")
    s3.head_object(Bucket="box", Key="k")


def test_a_session_brings_its_token_and_somebody_else_does_not(post, signed):
    fields = signed()
    assert "x-amz-security-token" in fields
    assert code(post(fields | {"x-amz-security-token": "other"})) == ("InvalidToken", 400)
    fields.pop("x-amz-security-token")
    assert code(post(fields)) == ("InvalidToken", 400)


@pytest.mark.parametrize("change, expected", [
    (lambda f: f | {"x-amz-signature": "0" * 64}, ("SignatureDoesNotMatch", 403)),
    (lambda f: f | {"policy": base64.b64encode(b"{}").decode()}, ("SignatureDoesNotMatch", 403)),
    (lambda f: f | {"x-amz-credential": f["x-amz-credential"].replace("ASIA", "ASIB")}, ("InvalidAccessKeyId", 403)),
    (lambda f: f | {"x-amz-credential": "nonsense"}, ("AuthorizationQueryParametersError", 400)),
    (lambda f: f | {"x-amz-algorithm": "AWS4-HMAC-MD5"}, ("InvalidArgument", 400)),
    (lambda f: f | {"x-amz-date": "20200101T000000Z"}, ("InvalidArgument", 400)),
    (lambda f: {k: v for k, v in f.items() if k != "x-amz-signature"}, ("InvalidArgument", 400)),
    (lambda f: {k: v for k, v in f.items() if k != "policy"}, ("InvalidArgument", 400)),
    (lambda f: {k: v for k, v in f.items() if k != "key"}, ("InvalidArgument", 400)),
    (lambda f: f | {"key": "other"}, ("AccessDenied", 403)),
    (lambda f: f | {"x-amz-meta-a": "b"}, ("AccessDenied", 403)),
    (lambda f: f | {"acl": "public-read"}, ("AccessDenied", 403)),
    (lambda f: f | {"x-ignore-me": "b"}, None),
])  # fmt: skip
def test_a_form_that_was_changed_is_refused(s3, post, signed, change, expected):
    answer = post(change(signed()))
    assert (code(answer) if expected else answer[0]) == (expected or 204)
    assert ("Contents" in s3.list_objects_v2(Bucket="box")) == (expected is None)


@pytest.mark.parametrize("condition, name, good, bad", [
    (["eq", "$x-amz-meta-a", "b"], "x-amz-meta-a", "b", "B"),
    (["starts-with", "$x-amz-meta-a", "b"], "x-amz-meta-a", "bc", "cb"),
    (["starts-with", "$x-amz-meta-a", ""], "x-amz-meta-a", "", None),
    (["starts-with", "$Content-Type", "image/"], "Content-Type", "image/png,image/gif", "image/png,text/html"),
    ({"X-Amz-Meta-A": "b"}, "x-amz-meta-a", "b", "c"),
])  # fmt: skip
def test_conditions(post, signed, condition, name, good, bad):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html"""
    fields = signed(conditions=[condition])
    assert post(fields | {name: good})[0] == 204
    if bad is not None:
        answer = post(fields | {name: bad})
        assert code(answer) == ("AccessDenied", 403)
        assert said(answer) == f"Invalid according to Policy: Policy Condition failed: {json.dumps(condition)}"


def test_the_policy_is_of_one_bucket(s3, post, signed):
    s3.create_bucket(Bucket="bin")
    assert code(post(signed(), path="/bin")) == ("AccessDenied", 403)


def test_the_file_has_a_size(s3, post, signed):
    fields = signed(conditions=[["content-length-range", 3, 10]])
    assert post(fields, file=b"123")[0] == post(fields, file=b"1234567890", size=5)[0] == 204
    s3.delete_object(Bucket="box", Key="k")

    assert code(post(fields, file=b"12")) == ("EntityTooSmall", 400)
    assert code(post(fields, file=b"12345678901", size=5)) == ("EntityTooLarge", 400)
    assert "Contents" not in s3.list_objects_v2(Bucket="box")


def test_a_policy_ends(post, signed, clock):
    fields = signed(ExpiresIn=60)
    clock.advance(seconds=59)
    assert post(fields)[0] == 204
    clock.advance(seconds=2)
    answer = post(fields)
    assert code(answer) == ("AccessDenied", 403) and said(answer) == "Invalid according to Policy: Policy expired."


@pytest.mark.parametrize("made", [
    {"end": ""}, {"file": b"x" * 100_000, "end": "X"}, {"filename": "\x00\xff"}, {"end": "--\r\n" + "x" * 100_000},
], ids=["no end", "another end", "a name", "more behind it"])  # fmt: skip
def test_what_is_no_form_leaves_nothing(lone, s3, post, signed, made):
    status = post(signed(), size=1000, **made)[0]
    if status == 204:
        assert made.get("filename") or made["end"].startswith("--")
    else:
        assert status == 400 and "Contents" not in s3.list_objects_v2(Bucket="box")
        assert not list((lone.root / "s3" / "drafts").iterdir())


def test_fields_are_bounded_and_each_is_there_once(post, signed):
    assert code(post(signed() | {"x-ignore-a": "x" * 30_000})) == ("MaxPostPreDataLengthExceeded", 400)
    assert code(post({f"x-ignore-{n}": "" for n in range(2000)})) == ("MaxPostPreDataLengthExceeded", 400)
    assert code(post(signed() | {"KEY": "k"})) == ("MalformedPOSTRequest", 400)
    assert code(post(signed(), file=None)) == ("InvalidArgument", 400)
    assert code(post(signed() | {"x-amz-meta-a\r\nb": "x"}))[1] in (400, 403)


def test_who_signed_needs_leave_to_put_and_policies_see_a_post(s3, post, signed, people, stranger, refused):
    may = doc(Action="s3:PutObject", who={"AWS": people.account})
    fields = signed(client=stranger)
    assert code(post(fields)) == ("AccessDenied", 403)

    for kind, status in (("REST-HEADER", 403), ("POST", 204)):
        only = may | {"Condition": {"StringEquals": {"s3:authType": kind}}}
        s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(only)))
        assert post(fields)[0] == status
    assert refused(stranger.put_object, Bucket="box", Key="k", Body=b"") == ("AccessDenied", 403)


def test_everybody_posts_where_everybody_may(s3, post):
    assert code(post({"key": "k"})) == ("AccessDenied", 403)
    s3.delete_public_access_block(Bucket="box")
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(doc(Action="s3:PutObject"))))

    assert post({"key": "k", "Content-Type": "text/plain"})[0] == 204
    assert s3.head_object(Bucket="box", Key="k")["ContentType"] == "text/plain"
    assert code(post({"key": "k"}, path="/nowhere")) == ("NoSuchBucket", 404)
