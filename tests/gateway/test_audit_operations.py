"""What a record says was done: to which resources, on which plane, and whether it only read."""

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from gateway.recorded import of, seen

from skylab.gateway import audited
from skylab.wire.model import service_model


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
