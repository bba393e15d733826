"""What a record says of a call.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from conftest import connect

from skylab.gateway import audited, parameters
from skylab.gateway.audit import Seen
from skylab.kernel import credentials
from skylab.services.call import Principal
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import service_model


@pytest.fixture
def records(cloud):
    """records("CreateUser"): all that history has of this name, the oldest first."""

    def find(name, region=None):
        wanted = [{"AttributeKey": "EventName", "AttributeValue": name}]
        events = connect(cloud, "cloudtrail", region).lookup_events(LookupAttributes=wanted)["Events"]
        return [json.loads(event["CloudTrailEvent"]) for event in reversed(events)]

    return find


@pytest.fixture
def caught(cloud):
    """caught(seen, response): the records that the audit appends for it."""

    def record(seen, response=HttpResponse(200)):
        got, append = [], cloud.audit.ledger.append
        cloud.audit.ledger.append = lambda event: got.append(json.loads(event.record))
        try:
            asyncio.run(cloud.audit.record(seen, response))
        finally:
            cloud.audit.ledger.append = append
        return got

    return record


def seen(service, operation, parameters, **more):
    model = service_model(service)
    request = more.pop("request", HttpRequest("POST", "/", "", {"user-agent": "test"}))
    known = model.operation_model(operation)
    return Seen(request, model.signing_name, "us-east-1", "r", model, known, parameters=parameters, **more)


def of(cloud, **more):
    """The principal of a session that STS wrote these members into."""
    now = cloud.clock.now()
    said = {"arn": "arn:aws:sts::000000000000:assumed-role/r/s", "id": "AROAX:s", "account": "000000000000"}
    with cloud.store.writing() as tx:
        key = credentials.issue_temporary(tx, said | more, "AROAX", now, now + timedelta(hours=1))["AccessKeyId"]
    return Principal(said["arn"], said["id"], said["account"], key, "arn:aws:iam::000000000000:role/r", "AssumedRole")


def test_a_record_has_the_members_that_are_always_there(cloud, records):
    connect(cloud, "logs").create_log_group(logGroupName="g", tags={"a": "b"})

    (record,) = records("CreateLogGroup")
    assert list(record) == [
        *("eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress"),
        *("userAgent", "requestParameters", "responseElements", "requestID", "eventID", "readOnly", "eventType"),
        *("managementEvent", "eventCategory", "recipientAccountId"),
    ]
    assert record["requestParameters"] == {"logGroupName": "g", "tags": {"a": "b"}}
    assert record["responseElements"] is None
    assert record["eventTime"] == "2025-01-01T00:00:00Z" and record["eventSource"] == "logs.amazonaws.com"


def test_a_request_id_is_that_of_the_answer_and_an_event_id_its_own(cloud, records):
    answer = connect(cloud, "logs").describe_log_groups()

    (record,) = records("DescribeLogGroups")
    assert record["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert record["eventID"] != record["requestID"] and len(record["eventID"]) == 36


def test_reading_shows_no_answer_and_writing_does(cloud, records):
    iam = connect(cloud, "iam")
    iam.create_user(UserName="bob")
    iam.get_user(UserName="bob")

    assert records("CreateUser")[0]["responseElements"]["user"]["createDate"] == "Jan 1, 2025, 12:00:00 AM"
    (read,) = records("GetUser")
    assert read["readOnly"] is True and read["responseElements"] is None


# -- what went wrong


def test_a_failed_call_is_recorded_with_its_error(cloud, records):
    with pytest.raises(ClientError):
        connect(cloud, "iam").get_role(RoleName="nobody")

    (record,) = records("GetRole")
    assert record["errorCode"] == "NoSuchEntityException" and "nobody" in record["errorMessage"]
    assert record["requestParameters"] == {"roleName": "nobody"}


def test_a_call_with_invalid_parameters_is_recorded(cloud, records):
    sagemaker = connect(cloud, "sagemaker", parameter_validation=False)
    with pytest.raises(ClientError):
        sagemaker.describe_training_job(TrainingJobName="not a name!")

    (record,) = records("DescribeTrainingJob")
    assert record["errorCode"] == "ValidationException"


def test_what_is_not_implemented_is_recorded(cloud, records):
    with pytest.raises(ClientError):
        connect(cloud, "sagemaker").create_domain(
            DomainName="d", AuthMode="IAM", DefaultUserSettings={}, SubnetIds=["s"], VpcId="v"
        )

    assert records("CreateDomain")[0]["errorCode"] == "NotImplemented"


def user(cloud, name):
    """A client maker with the keys of a user who may do nothing."""
    iam = connect(cloud, "iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    given = key["AccessKeyId"], key["SecretAccessKey"], None
    return lambda service: cloud.transport.client(service, "us-east-1", *given)


@pytest.mark.parametrize(
    "service, operation, given",
    [("iam", "list_users", {}), ("sagemaker", "list_models", {}), ("logs", "describe_log_groups", {})],
)
def test_a_denied_call_is_recorded_with_who_was_denied(cloud, records, service, operation, given):
    with pytest.raises(ClientError):
        getattr(user(cloud, "bob")(service), operation)(**given)

    name = "".join(part.title() for part in operation.split("_"))
    (record,) = records(name)
    assert record["errorCode"] == "AccessDenied" and "is not authorized to perform" in record["errorMessage"]
    who = record["userIdentity"]
    assert (who["type"], who["userName"], who["arn"]) == ("IAMUser", "bob", "arn:aws:iam::000000000000:user/bob")
    assert who["principalId"].startswith("AIDA") and "sessionContext" not in who


def test_a_call_whose_signature_is_not_proved_is_not_recorded(cloud, records):
    """S3: "CloudTrail does not deliver logs for requests that fail authentication"
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html)."""
    key = cloud.account.credentials()
    wrong = cloud.transport.client("iam", "us-east-1", key["AccessKeyId"], "wrong", key["SessionToken"])
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        wrong.list_roles()

    assert records("ListRoles") == []


# -- what is secret


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


# -- who


def test_a_session_tells_its_role_its_beginning_and_its_mfa(cloud, caught):
    principal = of(
        cloud,
        mfa=True,
        issued=1735689600,
        source_identity="alice",
        provider="accounts.example.com",
        issuer={"arn": "arn:aws:iam::000000000000:role/path/r", "id": "AROAX", "name": "r"},
    )

    (record,) = caught(seen("iam", "ListUsers", {}, principal=principal))

    assert record["userIdentity"] == {
        "type": "AssumedRole",
        "principalId": "AROAX:s",
        "arn": "arn:aws:sts::000000000000:assumed-role/r/s",
        "accountId": "000000000000",
        "accessKeyId": principal.access_key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAX",
                "arn": "arn:aws:iam::000000000000:role/path/r",
                "accountId": "000000000000",
                "userName": "r",
            },
            "webIdFederationData": {"federatedProvider": "accounts.example.com", "attributes": {}},
            "attributes": {"creationDate": "2025-01-01T00:00:00Z", "mfaAuthenticated": "true"},
            "sourceIdentity": "alice",
        },
    }


def test_root_is_root(cloud, records):
    (record, *_) = records("CreateRole")
    assert record["userIdentity"]["type"] == "Root"
    assert record["userIdentity"]["arn"] == "arn:aws:iam::000000000000:root"


def test_a_token_of_the_web_vouches_for_who_has_no_key(cloud, caught):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html#stscloudtrailexample-assumerolewithwebidentity"""
    asked = {"RoleArn": "arn:aws:iam::000000000000:role/r", "RoleSessionName": "s", "WebIdentityToken": "ey"}
    result = {"SubjectFromWebIdentityToken": "sub", "Provider": "idp", "Audience": "app"}

    (record,) = caught(seen("sts", "AssumeRoleWithWebIdentity", asked, result=result))

    assert record["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": "idp:app:sub",
        "userName": "sub",
        "identityProvider": "idp",
    }
    assert record["recipientAccountId"] == "000000000000"
    assert "ey" not in json.dumps(record["requestParameters"])


def test_another_accounts_role_is_recorded_in_both_accounts(cloud, caught):
    """sharedEventID: the same action, as each of the accounts gets to see it."""
    asked = {"RoleArn": "arn:aws:iam::111111111111:role/r", "RoleSessionName": "s"}

    mine, theirs = caught(seen("sts", "AssumeRole", asked, principal=of(cloud)))

    assert (mine["recipientAccountId"], theirs["recipientAccountId"]) == ("000000000000", "111111111111")
    assert mine["sharedEventID"] == theirs["sharedEventID"] and mine["eventID"] != theirs["eventID"]
    assert theirs["userIdentity"] == {"type": "AWSAccount", "principalId": "AROAX:s", "accountId": "000000000000"}


def test_a_service_that_asks_in_the_callers_name_is_where_the_call_comes_from(cloud, caught):
    principal = replace(of(cloud), via=("s3.amazonaws.com",))

    (record,) = caught(seen("kms", "Decrypt", {"KeyId": "k"}, principal=principal))

    assert record["userIdentity"]["invokedBy"] == "s3.amazonaws.com" == record["sourceIPAddress"] == record["userAgent"]


def test_the_address_and_tls_are_those_of_the_connection(cloud, caught):
    request = HttpRequest("POST", "/", "", {"host": "iam.amazonaws.com"}, b"", "203.0.113.7", secure=True)

    (record,) = caught(seen("iam", "ListUsers", {}, principal=of(cloud), request=request))

    assert record["sourceIPAddress"] == "203.0.113.7"
    assert record["tlsDetails"] == {"clientProvidedHostHeader": "iam.amazonaws.com"}


# -- what


def test_a_key_is_named_by_its_arn(cloud, caught):
    arn = "arn:aws:kms:us-east-1:000000000000:key/1234"
    (record,) = caught(seen("kms", "Decrypt", {"CiphertextBlob": b"x"}, principal=of(cloud), result={"KeyId": arn}))

    assert record["resources"] == [{"accountId": "000000000000", "type": "AWS::KMS::Key", "ARN": arn}]
    assert record["readOnly"] is True and record["responseElements"] is None


def test_a_bucket_is_a_management_event_and_an_object_is_none(cloud, records):
    s3 = connect(cloud, "s3")
    s3.create_bucket(Bucket="box")
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})

    (record,) = records("PutBucketVersioning")
    assert record["requestParameters"]["bucketName"] == "box" and record["requestParameters"]["versioning"] == ""
    assert record["resources"] == [{"accountId": "000000000000", "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::box"}]
    assert records("PutObject") == []


def test_what_a_service_does_of_itself_is_an_event_without_a_caller(cloud, records):
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-rotatekey.html"""
    arn = "arn:aws:kms:us-east-1:000000000000:key/1234"
    cloud.world.report(
        "kms", "RotateKey", "000000000000", "us-east-1",
        [{"accountId": "000000000000", "type": "AWS::KMS::Key", "ARN": arn}], {"rotationType": "AUTOMATIC"},
    )  # fmt: skip

    (record,) = records("RotateKey")
    assert record["eventType"] == "AwsServiceEvent" and record["serviceEventDetails"] == {"rotationType": "AUTOMATIC"}
    assert record["userIdentity"] == {"accountId": "000000000000", "invokedBy": "kms.amazonaws.com"}


def test_a_call_that_is_forwarded_is_understood_by_its_model(cloud, records):
    """The fallback is off in tests: what it would have answered is a 501, and the call is recorded."""
    with pytest.raises(ClientError):
        connect(cloud, "sqs").create_queue(QueueName="jobs")
    with pytest.raises(ClientError):
        connect(cloud, "stepfunctions").list_state_machines(maxResults=5)
    with pytest.raises(ClientError):
        connect(cloud, "sqs").send_message(QueueUrl="http://x/000000000000/q", MessageBody="secret")

    (made,) = records("CreateQueue")
    assert made["eventSource"] == "sqs.amazonaws.com" and made["requestParameters"] == {"queueName": "jobs"}
    assert made["errorCode"] == "NotImplemented"
    (listed,) = records("ListStateMachines")
    assert listed["readOnly"] is True and listed["requestParameters"] == {"maxResults": 5}
    assert records("SendMessage") == []


@pytest.mark.parametrize(
    "service, operation, kind",
    [
        ("s3", "GetObject", "AWS::S3::Object"),
        ("s3", "UploadPart", "AWS::S3::Object"),
        ("s3", "ListObjectsV2", "AWS::S3::Object"),
        ("s3", "HeadBucket", "AWS::S3::Object"),
        ("s3", "GetBucketPolicy", None),
        ("s3", "CreateBucket", None),
        ("sagemaker-runtime", "InvokeEndpoint", "AWS::SageMaker::Endpoint"),
        ("logs", "PutLogEvents", ""),
        ("logs", "CreateLogStream", None),
        ("lambda", "Invoke", "AWS::Lambda::Function"),
        ("kms", "Decrypt", None),
    ],
)
def test_the_plane_of_an_operation(service, operation, kind):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html and
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html"""
    model = service_model(service)
    assert audited.data_type(model.signing_name, operation, model.operation_model(operation)) == kind


@pytest.mark.parametrize(
    "service, operation, read",
    [
        ("kms", "GenerateDataKey", True),
        ("kms", "CreateKey", False),
        ("sts", "AssumeRole", True),
        ("sts", "GetCallerIdentity", True),
        ("iam", "SimulatePrincipalPolicy", True),
        ("iam", "AttachRolePolicy", False),
        ("sagemaker", "StopTrainingJob", False),
        ("logs", "FilterLogEvents", True),
        ("cloudtrail", "LookupEvents", True),
    ],
)
def test_whether_an_operation_only_reads(service, operation, read):
    assert audited.read_only(service, operation) is read
