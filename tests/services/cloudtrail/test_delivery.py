"""Log files in a bucket.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html
"""

import json
import re

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from services.cloudtrail.bucketed import objects
from trail_steps import receiving

LOG = (
    r"AWSLogs/000000000000/CloudTrail/us-east-1/2025/01/01/"
    r"000000000000_CloudTrail_us-east-1_20250101T0001Z_\w{16}\.json\.gz"
)


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_log_file_has_the_records_under_its_documented_name(cloud, logging, passes, delivered):
    connect(cloud, "iam").create_user(UserName="bob")

    passes(seconds=61)

    ((key, records),) = delivered().items()
    assert re.fullmatch(LOG, key)
    assert [each["eventName"] for each in records] == ["StartLogging", "CreateUser"]
    found = connect(cloud, "s3").get_object(Bucket="the-logs", Key=key)
    assert (found["ContentType"], found["ContentEncoding"]) == ("application/json", "gzip")


def test_each_event_is_delivered_once(cloud, logging, passes, names):
    iam = connect(cloud, "iam")
    for n in range(5):
        iam.create_user(UserName=f"user-{n}")
        passes(seconds=61)

    assert names() == ["StartLogging"] + ["CreateUser"] * 5


def test_a_trail_delivers_what_it_selects_while_it_is_logging(cloud, logging, passes, names):
    iam = connect(cloud, "iam")
    logging.put_event_selectors(TrailName="audit", EventSelectors=[{"ReadWriteType": "WriteOnly"}])
    iam.list_users()
    iam.create_user(UserName="a")
    logging.stop_logging(Name="audit")
    iam.create_user(UserName="b")
    passes(seconds=61)
    logging.start_logging(Name="audit")
    iam.create_user(UserName="c")
    passes(seconds=61)

    # StopLogging itself comes after the end of logging; StartLogging is the first event of the new beginning.
    assert names() == ["StartLogging", "PutEventSelectors", "CreateUser", "StartLogging", "CreateUser"]


def test_data_events_are_delivered_where_they_are_selected_and_never_shown_by_lookup(cloud, logging, passes, delivered):
    s3 = connect(cloud, "s3")
    s3.create_bucket(Bucket="data")
    chosen = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::data/in"]}
    logging.put_event_selectors(
        TrailName="audit", EventSelectors=[{"IncludeManagementEvents": False, "DataResources": [chosen]}]
    )
    s3.put_object(Bucket="data", Key="in/1", Body=b"12345")
    s3.put_object(Bucket="data", Key="out/1", Body=b"12345")
    s3.get_object(Bucket="data", Key="in/1")["Body"].read()

    passes(seconds=61)

    data = [event for events in delivered().values() for event in events if event["eventCategory"] == "Data"]
    assert [each["eventName"] for each in data] == ["PutObject", "GetObject"]
    assert data[0]["requestParameters"]["bucketName"] == "data" and data[0]["requestParameters"]["key"] == "in/1"
    assert data[1]["additionalEventData"]["bytesTransferredOut"] == 5
    assert data[1]["resources"][0] == {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::data/in/1"}
    assert data[1]["managementEvent"] is False and data[1]["readOnly"] is True
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "GetObject"}]
    assert logging.lookup_events(LookupAttributes=wanted)["Events"] == []
    with cloud.world.parts["cloudtrail"]["ledger"]._connection() as db:
        assert db.execute("select count(*) from event where data = 1").fetchone() == (0,)  # forgotten: it is delivered


def test_a_trail_of_all_regions_has_a_folder_for_each(cloud, trail, passes, delivered):
    trail.create_trail(Name="audit", S3BucketName="the-logs", S3KeyPrefix="p", IsMultiRegionTrail=True)
    trail.create_trail(Name="home", S3BucketName="the-logs", S3KeyPrefix="h")
    trail.start_logging(Name="audit")
    trail.start_logging(Name="home")
    connect(cloud, "logs", "eu-west-1").create_log_group(logGroupName="g")

    passes(seconds=61)

    folders = {key.split("/")[4] for key in delivered(prefix="p/")}
    assert folders == {"us-east-1", "eu-west-1"}
    assert {key.split("/")[4] for key in delivered(prefix="h/")} == {"us-east-1"}


def test_a_bucket_that_is_gone_shows_in_the_status_and_loses_nothing(cloud, logging, passes, names):
    s3 = connect(cloud, "s3")
    s3.delete_bucket(Bucket="the-logs")
    passes(seconds=61)
    assert logging.get_trail_status(Name="audit")["LatestDeliveryError"] == "NoSuchBucket"

    receiving(s3, "the-logs")
    passes(seconds=61)

    assert names()[:2] == ["StartLogging", "DeleteBucket"]
    assert "LatestDeliveryError" not in logging.get_trail_status(Name="audit")


def test_another_bucket_gets_what_the_old_one_did_not(cloud, logging, passes, delivered):
    s3 = connect(cloud, "s3")
    receiving(s3, "new-logs")
    s3.delete_bucket(Bucket="the-logs")
    passes(seconds=61)

    logging.update_trail(Name="audit", S3BucketName="new-logs")
    passes(seconds=61)

    (records, *_) = delivered(bucket="new-logs").values()
    assert records[0]["eventName"] == "StartLogging"


def test_records_come_to_a_log_group_by_the_role_of_the_trail(cloud, trail, passes):
    logs = connect(cloud, "logs")
    logs.create_log_group(logGroupName="trails")
    iam, trusted = connect(cloud, "iam"), {"Service": "cloudtrail.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
    iam.create_role(RoleName="writer", AssumeRolePolicyDocument=policy(trust))
    iam.put_role_policy(RoleName="writer", PolicyName="write", PolicyDocument=policy(may))
    trail.create_trail(
        Name="audit",
        S3BucketName="the-logs",
        CloudWatchLogsLogGroupArn="arn:aws:logs:us-east-1:000000000000:log-group:trails:*",
        CloudWatchLogsRoleArn="arn:aws:iam::000000000000:role/writer",
    )
    trail.start_logging(Name="audit")
    passes(seconds=61)

    events = logs.get_log_events(logGroupName="trails", logStreamName="000000000000_CloudTrail_us-east-1")["events"]
    assert json.loads(events[0]["message"])["eventName"] == "StartLogging"
    assert "LatestCloudWatchLogsDeliveryTime" in trail.get_trail_status(Name="audit")

    logs.delete_log_group(logGroupName="trails")
    passes(seconds=61)
    status = trail.get_trail_status(Name="audit")
    assert status["LatestCloudWatchLogsDeliveryError"] == "ResourceNotFoundException"
    assert "LatestDeliveryError" not in status


def encrypting(cloud):
    """A key with the policy that AWS documents for a trail, of the name "sealed"."""
    who = {"Sid": "own", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*"}
    its = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "kms:GenerateDataKey*"}
    named = {
        "StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:000000000000:trail/sealed"},
        "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*:000000000000:trail/*"},
    }
    statements = [each | {"Resource": "*"} for each in (who, its | {"Condition": named})]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return connect(cloud, "kms").create_key(Policy=text)["KeyMetadata"]["Arn"]


def test_log_files_are_encrypted_under_the_trails_key_and_digests_are_not(cloud, trail, passes, delivered):
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html"""
    key = encrypting(cloud)
    trail.create_trail(Name="sealed", S3BucketName="the-logs", KmsKeyId=key, EnableLogFileValidation=True)
    trail.start_logging(Name="sealed")
    connect(cloud, "sts").get_caller_identity()
    passes(seconds=61)
    passes(hours=2)

    assert "LatestDeliveryError" not in trail.get_trail_status(Name="sealed") and delivered()
    s3 = connect(cloud, "s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="the-logs")["Contents"]]
    used = {("Digest" in each, s3.head_object(Bucket="the-logs", Key=each).get("SSEKMSKeyId")) for each in keys}
    assert used == {(False, key), (True, None)}


def test_a_key_whose_policy_does_not_name_the_trail_is_refused(cloud, trail):
    plain = connect(cloud, "kms").create_key()["KeyMetadata"]["Arn"]
    for name, key in (("sealed", plain), ("another", encrypting(cloud))):
        with pytest.raises(ClientError, match="InsufficientEncryptionPolicyException"):
            trail.create_trail(Name=name, S3BucketName="the-logs", KmsKeyId=key)


def test_a_trail_of_its_own_bucket_does_not_feed_itself_for_ever(cloud, clock, logging):
    """Each delivery is an event of the next, and so is a digest: one before it, one behind, then rest."""
    everything = [{"ReadWriteType": "All", "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}]
    logging.put_event_selectors(TrailName="audit", EventSelectors=everything)
    clock.advance(seconds=3700)
    for _ in range(40):
        cloud.supervisor.step(clock.now())

    assert len(objects(cloud, "CloudTrail")) == 2
    assert len(objects(cloud, "CloudTrail-Digest")) == 1
