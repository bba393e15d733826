"""One call is decided by several checks: roles that are passed, tags, copies, versions, many deletions."""

import json

import pytest
from botocore.exceptions import ClientError
from gateway.person import ACCOUNT, ROLE, allow, denied, model, not_ours

from skylab.account import EXECUTION


def test_who_makes_a_model_must_be_allowed_to_pass_its_role(ann):
    """https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createmodel-perms"""
    sagemaker, passing = ann.may(allow("sagemaker:*")).client("sagemaker"), ("iam:PassRole", ROLE)
    assert f"perform: iam:PassRole on resource: {ROLE}" in denied(sagemaker.create_model, **model())

    to = {"Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}
    ann.may(allow("sagemaker:*"), allow(*passing, **to))
    denied(sagemaker.create_model, **model())

    to = {"Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}}
    ann.may(allow("sagemaker:*"), allow(*passing, **to))
    sagemaker.create_model(**model())


PASSING = [
    ("lambda", "create_function", "Role", "lambda", dict(FunctionName="f", Code={"ZipFile": b"x"}, Handler="a.b")),
    ("stepfunctions", "create_state_machine", "roleArn", "states", dict(name="m", definition="{}")),
    ("events", "put_targets", "Targets.RoleArn", "events", dict(Rule="r")),
    ("ecs", "register_task_definition", "taskRoleArn", "ecs-tasks", dict(family="f", containerDefinitions=[])),
    ("glue", "create_job", "Role", "glue", dict(Name="j", Command={"Name": "glueetl"})),
    ("firehose", "create_delivery_stream", "ExtendedS3DestinationConfiguration.RoleARN", "firehose",
     dict(DeliveryStreamName="d")),
]  # fmt: skip


@pytest.mark.parametrize(("service", "operation", "member", "to", "given"), PASSING)
def test_who_hands_a_role_to_any_service_must_be_allowed_to_pass_it(ann, service, operation, member, to, given):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"""
    whole = {
        "Targets.RoleArn": {"Targets": [{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": ROLE}]},
        "ExtendedS3DestinationConfiguration.RoleARN": {
            "ExtendedS3DestinationConfiguration": {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::box"}
        },
    }.get(member, {member: ROLE})
    everything = allow([f"{prefix}:*" for prefix in ("lambda", "states", "events", "ecs", "glue", "firehose")])
    call = getattr(ann.may(everything).client(service), operation)
    assert f"perform: iam:PassRole on resource: {ROLE}" in denied(call, **given, **whole)

    for principal, met in (("sagemaker", denied), (to, not_ours)):
        to_it = {"Condition": {"StringEquals": {"iam:PassedToService": f"{principal}.amazonaws.com"}}}
        ann.may(everything, allow("iam:PassRole", ROLE, **to_it))
        met(call, **given, **whole)


def test_glue_is_passed_a_role_by_its_name_too(ann):
    glue = ann.may(allow("glue:*")).client("glue")
    message = denied(glue.create_job, Name="j", Role=EXECUTION, Command={"Name": "glueetl"})
    assert f"iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/{EXECUTION}" in message


def test_ec2_tells_a_denial_in_a_message_that_can_be_decoded(ann):
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html"""
    ec2 = ann.may(allow("sts:DecodeAuthorizationMessage")).client("ec2")
    with pytest.raises(ClientError) as refused:
        ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)
    error = refused.value.response["Error"]
    assert error["Code"] == "UnauthorizedOperation" and "ec2:RunInstances" in error["Message"]
    encoded = error["Message"].rpartition("Encoded authorization failure message: ")[2]
    decoded = ann.client("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"]
    said = json.loads(decoded)
    assert said["allowed"] is said["explicitDeny"] is False and said["context"]["action"] == "ec2:RunInstances"
    assert said["context"]["principal"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/ann"

    not_ours(ann.may(allow("ec2:Describe*")).client("ec2").describe_instances, Filters=[{"Name": "a", "Values": ["b"]}])


def test_who_makes_something_with_tags_must_be_allowed_to_tag(ann):
    tags = [{"Key": "team", "Value": "yellow"}]
    sagemaker = ann.may(allow("sagemaker:CreateModel"), allow("iam:PassRole")).client("sagemaker")
    assert "sagemaker:AddTags" in denied(sagemaker.create_model, **model(Tags=tags))
    sagemaker.create_model(**model())


def test_both_sides_of_a_copy_must_be_allowed(ann):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    copy = {"Bucket": "box", "Key": "to", "CopySource": "box/k"}
    get, put = allow("s3:GetObject", "arn:aws:s3:::box/k"), allow("s3:PutObject", "arn:aws:s3:::box/to")
    s3 = ann.may(put).client("s3")
    assert "s3:GetObject" in denied(s3.copy_object, **copy)
    ann.may(get)
    assert "s3:PutObject" in denied(s3.copy_object, **copy)
    ann.may(get, put)
    s3.copy_object(**copy)

    ann.box.put_object_tagging(Bucket="box", Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert "s3:GetObjectTagging" in denied(s3.copy_object, **copy)
    ann.may(get, put, allow("s3:GetObjectTagging"), allow("s3:PutObjectTagging"))
    s3.copy_object(**copy)


def test_a_version_is_another_action(ann):
    ann.box.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    version = ann.box.put_object(Bucket="box", Key="k", Body=b"new")["VersionId"]
    s3 = ann.may(allow(["s3:GetObject", "s3:DeleteObject"])).client("s3")
    assert "s3:GetObjectVersion" in denied(s3.get_object, Bucket="box", Key="k", VersionId=version)
    assert "s3:DeleteObjectVersion" in denied(s3.delete_object, Bucket="box", Key="k", VersionId=version)
    s3.delete_object(Bucket="box", Key="k")


def test_of_many_deletions_each_is_decided(ann):
    ann.box.put_object(Bucket="box", Key="kept", Body=b"")
    s3 = ann.may(allow("s3:DeleteObject", "arn:aws:s3:::box/k")).client("s3")
    answer = s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": "k"}, {"Key": "kept"}]})
    assert [each["Key"] for each in answer["Deleted"]] == ["k"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [("kept", "AccessDenied")]
    assert [each["Key"] for each in ann.box.list_objects_v2(Bucket="box")["Contents"]] == ["kept"]


def test_who_may_not_list_is_not_told_what_is_missing(ann):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: 403 instead of 404"""
    s3 = ann.may(allow("s3:GetObject")).client("s3")
    assert "s3:ListBucket" in denied(s3.get_object, Bucket="box", Key="nothing")
    ann.may(allow("s3:GetObject"), allow("s3:ListBucket"))
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="box", Key="nothing")
