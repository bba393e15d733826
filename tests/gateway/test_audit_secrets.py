"""What is secret, too long or no text in a record of a call."""

import pytest
from conftest import connect
from gateway.recorded import of, seen

from skylab.gateway import parameters
from skylab.wire.http import HttpRequest
from skylab.wire.model import service_model


def test_secret_keys_and_session_tokens_are_nowhere_in_the_ledger(cloud, records):
    key = connect(cloud, "iam")
    key.create_user(UserName="bob")
    made = key.create_access_key(UserName="bob")["AccessKey"]
    given = connect(cloud, "sts").assume_role(
        RoleArn="arn:aws:iam::000000000000:role/AmazonSageMaker-ExecutionRole", RoleSessionName="me"
    )["Credentials"]

    assert records("CreateAccessKey")[0]["responseElements"]["accessKey"] == {
        "userName": "bob",
        "accessKeyId": made["AccessKeyId"],
        "status": "Active",
        "createDate": "Jan 1, 2025, 12:00:00 AM",
    }
    (record,) = records("AssumeRole")
    assert record["readOnly"] is True
    assert record["responseElements"]["credentials"] == {
        "accessKeyId": given["AccessKeyId"],
        "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "expiration": "Jan 1, 2025, 1:00:00 AM",
    }
    disk = b"".join(path.read_bytes() for path in (cloud.root / "cloudtrail").glob("events.db*"))
    for secret in (made["SecretAccessKey"], given["SecretAccessKey"], given["SessionToken"]):
        assert secret.encode() not in disk


@pytest.mark.parametrize(
    "service, operation, given, shown",
    [
        (
            "iam",
            "CreateLoginProfile",
            {"UserName": "u", "Password": "p"},
            {"userName": "u", "password": parameters.HIDDEN},
        ),
        (
            "kms",
            "Encrypt",
            {"KeyId": "k", "Plaintext": b"secret", "EncryptionContext": {"a": "b"}},
            {"keyId": "k", "encryptionContext": {"a": "b"}},
        ),
        (
            "secretsmanager",
            "CreateSecret",
            {"Name": "n", "SecretString": "s"},
            {"name": "n", "secretString": parameters.HIDDEN},
        ),
        ("ssm", "PutParameter", {"Name": "n", "Value": "v"}, {"name": "n", "value": parameters.HIDDEN}),
        ("rds", "ModifyDBInstance", {"MasterUserPassword": "p"}, {"masterUserPassword": parameters.HIDDEN}),
        (
            "sagemaker-runtime",
            "InvokeEndpoint",
            {"EndpointName": "e", "Body": b"row", "CustomAttributes": "c"},
            {"endpointName": "e", "customAttributes": parameters.HIDDEN},
        ),
    ],
)
def test_what_is_secret_or_a_body_is_not_written(service, operation, given, shown):
    shape = service_model(service).operation_model(operation).input_shape
    assert parameters.written(shape, given) == shown


def test_keys_of_customers_are_not_among_the_parameters_of_s3():
    headers = {
        "host": "h",
        "x-amz-server-side-encryption-customer-key": "a2V5",
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
        "x-amz-security-token": "token",
    }
    request = HttpRequest("PUT", "/box/a%20b/c", "partNumber=1&X-Amz-Signature=f&X-Amz-Security-Token=t", headers)

    assert parameters.of_s3(request, None) == {
        "Host": "h",
        "bucketName": "box",
        "key": "a b/c",
        "partNumber": "1",
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
    }


def test_a_field_that_is_too_long_says_so_and_the_record_stays_whole(cloud, caught):
    """ "If a field is truncated, omitted is present with a value of true"."""
    (record,) = caught(
        seen("iam", "CreatePolicy", {"PolicyName": "p", "PolicyDocument": "x" * 200_000}, principal=of(cloud))
    )

    assert record["requestParameters"]["omitted"] is True and record["eventName"] == "CreatePolicy"


def test_text_that_is_no_text_is_recorded_all_the_same(cloud, caught):
    (record,) = caught(seen("iam", "GetUser", {"UserName": "\ud800"}, principal=of(cloud)))
    assert record["requestParameters"] == {"userName": "\ud800"}
