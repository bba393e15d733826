"""What cannot be read, or names what does not exist: refused in AWS's words, and nothing has changed."""

import asyncio
import json
import sqlite3

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from skylab.wire.http import HttpRequest

HOST = "127.0.0.1:4566"
ROLE = "Action=CreateRole&Version=2010-05-08&RoleName={}&AssumeRolePolicyDocument={}"


def key_of(cloud):
    key = cloud.account.credentials()
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])


def sent(cloud, service, method="POST", path="/", body=b"", **headers):
    """(status, body) of a request that is signed as it should be, whatever it says."""
    request = AWSRequest(method, f"http://{HOST}{path}", headers | {"host": HOST}, body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(key_of(cloud), service, cloud.settings.region).add_auth(request)
    path, _, query = path.partition("?")
    signed = {name.lower(): value for name, value in request.headers.items()}
    incoming = HttpRequest(method, path, query, signed | {"content-length": str(len(body))}, body)
    answer = asyncio.run_coroutine_threadsafe(cloud.gateway.handle(incoming), cloud.loop).result()
    return answer.status, answer.body.decode()


def logs(cloud, operation, body):
    status, text = sent(cloud, "logs", body=body, **{"x-amz-target": f"Logs_20140328.{operation}"})
    return status, json.loads(text)["__type"]


def form(cloud, body, service="iam"):
    return sent(cloud, service, body=body, **{"content-type": "application/x-www-form-urlencoded"})


def client_of(cloud, service):
    key = cloud.account.credentials()
    config = {"s3": {"addressing_style": "path"}} if service == "s3" else {}
    given = key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"]
    return cloud.transport.client(service, cloud.settings.region, *given, parameter_validation=False, **config)


def code(attempt, **request):
    with pytest.raises(ClientError) as error:
        attempt(**request)
    said = error.value.response
    return said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]


def everything(cloud):
    """All rows of both databases, and all files of bodies."""
    rows = {}
    for name in ("state.db", "s3/index.db"):
        db = sqlite3.connect(cloud.root / name)
        for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
            rows[name, table] = sorted(map(repr, db.execute(f"select * from {table}")))
        db.close()
    files = {path: path.stat().st_size for top in ("drafts", "bodies") for path in (cloud.root / "s3" / top).rglob("*")}
    return rows, files


@pytest.fixture
def cloud(cloud):
    """A cloud with a bucket, in which a test must leave everything as it was."""
    s3 = client_of(cloud, "s3")
    s3.create_bucket(Bucket="box")
    s3.put_object(Bucket="box", Key="k", Body=b"kept")
    before = everything(cloud)
    yield cloud
    assert everything(cloud) == before


def test_json_that_cannot_be_read_is_a_serialization_exception(cloud):
    for body in (
        b'{"logGroupName": "a',
        b"[]",
        b"\xff\xfe",
        b'{"logGroupName": 7}',
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ):
        assert logs(cloud, "CreateLogGroup", body) == (400, "SerializationException")


def test_xml_that_cannot_be_read_is_malformed(cloud):
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>'
    for body in (b"<Delete><Object>", b"{}", bomb, b"<a>" * 5000 + b"</a>" * 5000):
        status, text = sent(cloud, "s3", "POST", "/box?delete=", body, **{"content-md5": md5_of(body)})
        assert (status, "<Code>MalformedXML</Code>" in text) == (400, True), text
    status, text = sent(
        cloud, "s3", "PUT", "/box?versioning=", b"<Versioning", **{"content-md5": md5_of(b"<Versioning")}
    )
    assert (status, "<Code>MalformedXML</Code>" in text) == (400, True), text


def md5_of(body):
    from base64 import b64encode
    from hashlib import md5

    return b64encode(md5(body).digest()).decode()


def test_a_form_that_cannot_be_read_is_refused(cloud):
    for body in (
        b"Action=CreateRole&RoleName=\xff",
        b"Action=CreateRole&RoleName=%ff",
        b"Tags.member.x.Key=a&Action=CreateRole",
    ):
        status, text = form(cloud, body)
        assert status == 400 and "<Code>" in text, text


def test_an_operation_that_nobody_knows_is_refused(cloud):
    assert logs(cloud, "Nonsense", b"{}") == (400, "UnknownOperationException")
    status, text = sent(cloud, "logs", body=b"{}", **{"x-amz-target": "DynamoDB_20120810.ListTables"})
    assert (status, json.loads(text)["__type"]) == (400, "UnknownOperationException")
    status, text = form(cloud, b"Action=Nonsense&Version=2010-05-08")
    assert (status, "<Code>InvalidAction</Code>" in text) == (400, True), text
    status, text = sent(cloud, "s3", "PATCH", "/box/k")
    assert (status, "<Code>MethodNotAllowed</Code>" in text) == (405, True), text


def test_an_operation_that_is_known_but_not_made_is_501_by_name(cloud):
    assert code(client_of(cloud, "iam").list_saml_providers) == ("NotImplemented", 501)
    with pytest.raises(ClientError, match="ListSAMLProviders is not implemented"):
        client_of(cloud, "iam").list_saml_providers()
    with pytest.raises(ClientError, match="ListAnomalies is not implemented"):
        client_of(cloud, "logs").list_anomalies()
    with pytest.raises(ClientError, match="GetBucketLogging is not implemented"):
        client_of(cloud, "s3").get_bucket_logging(Bucket="box")


def test_an_oversized_body_is_413(cloud):
    large = b" " * (cloud.settings.max_body_bytes + 1)
    status, _ = sent(cloud, "logs", body=large, **{"x-amz-target": "Logs_20140328.CreateLogGroup"})
    assert status == 413
    status, _ = sent(cloud, "s3", "POST", "/box?delete=", large, **{"content-md5": md5_of(large)})
    assert status == 413


def test_a_bucket_that_does_not_exist_is_no_such_bucket(cloud):
    s3 = client_of(cloud, "s3")
    for attempt in (s3.put_object, s3.get_object, s3.create_multipart_upload, s3.delete_object):
        assert code(attempt, Bucket="no-such-bucket", Key="k") == ("NoSuchBucket", 404)
    assert code(s3.list_objects_v2, Bucket="no-such-bucket") == ("NoSuchBucket", 404)
    assert code(s3.get_object, Bucket="box", Key="nothing") == ("NoSuchKey", 404)


def test_a_name_against_the_pattern_is_refused(cloud):
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam, logs = client_of(cloud, "iam"), client_of(cloud, "logs")
    assert code(iam.create_role, RoleName="a b", AssumeRolePolicyDocument=trust) == ("ValidationError", 400)
    assert code(iam.create_role, RoleName="a" * 65, AssumeRolePolicyDocument=trust) == ("ValidationError", 400)
    assert code(iam.create_role, RoleName="a", AssumeRolePolicyDocument="{") == ("MalformedPolicyDocument", 400)
    assert code(logs.create_log_group, logGroupName="a b") == ("InvalidParameterException", 400)
    assert code(logs.create_log_group) == ("InvalidParameterException", 400)
    status, text = sent(cloud, "s3", "PUT", "/Not_A_Bucket")
    assert (status, "<Code>InvalidBucketName</Code>" in text) == (400, True), text


def test_a_body_that_is_not_what_its_digest_says_is_refused(cloud):
    s3 = client_of(cloud, "s3")
    assert code(s3.put_object, Bucket="box", Key="k", Body=b"other", ContentMD5=md5_of(b"")) == ("BadDigest", 400)
    wrong = code(s3.put_object, Bucket="box", Key="k", Body=b"other", ChecksumCRC32="AAAAAA==")
    assert wrong == ("BadDigest", 400)


def test_a_bug_is_an_internal_failure_that_says_nothing(cloud, monkeypatch, caplog):
    service = next(service for service in cloud.services if service.name == "sts")
    monkeypatch.setitem(service.operations, "GetCallerIdentity", lambda call, request: 1 / 0)

    with pytest.raises(ClientError) as error:
        client_of(cloud, "sts").get_caller_identity()

    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "division" not in str(error.value) and "ZeroDivisionError" in caplog.text


def test_a_request_that_breaks_the_gateway_itself_is_answered_too(cloud, monkeypatch, caplog):
    monkeypatch.setattr(cloud.gateway.routes, "signed_for", lambda request: 1 / 0)
    status, text = form(cloud, b"Action=GetCallerIdentity&Version=2011-06-15", "sts")
    assert (status, "<Code>InternalFailure</Code>" in text) == (500, True)
    assert "ZeroDivisionError" in caplog.text


def test_what_is_asked_of_skylab_itself_and_does_not_exist_is_404(cloud):
    assert sent(cloud, "s3", "GET", "/_skylab/nothing")[0] == 404
    status, text = sent(cloud, "s3", "GET", "/_skylab/credentials/no-such-task")
    assert status == 403 and "not that of a running job" in text
