"""What a record says of a call.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

import pytest
from botocore.exceptions import ClientError
from conftest import connect


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
