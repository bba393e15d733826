"""What policies let callers do, as real boto3 clients hear it."""

import asyncio
import json

import pytest
from botocore.exceptions import ClientError

from skylab.account import EXECUTION
from skylab.gateway import identity
from skylab.kernel import credentials
from skylab.wire.http import HttpRequest

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{EXECUTION}"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def deny(action, resource="*", **more):
    return allow(action, resource, **more) | {"Effect": "Deny"}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def client(cloud, service, key):
    config = {"s3": {"addressing_style": "path"}} if service == "s3" else {}
    given = key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken")
    return cloud.transport.client(service, "us-east-1", *given, **config)


def not_ours(attempt, **request):
    """It was allowed: there is nothing here that could do it."""
    with pytest.raises(ClientError) as error:
        attempt(**request)
    assert error.value.response["Error"]["Code"] == "NotImplemented"


class Person:
    """A user with one inline policy, and what its administrator may do."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.iam, self.box = (client(cloud, name, cloud.account.credentials()) for name in ("iam", "s3"))
        self.iam.create_user(UserName="ann")
        self.key = self.iam.create_access_key(UserName="ann")["AccessKey"]
        self.box.create_bucket(Bucket="box")
        self.box.put_object(Bucket="box", Key="k", Body=b"body")

    def may(self, *statements):
        self.iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=policy(*statements))
        return self

    def client(self, service):
        return client(self.cloud, service, self.key)


@pytest.fixture
def ann(cloud):
    return Person(cloud)


def denied(attempt, **request):
    """The message of a denial."""
    with pytest.raises(ClientError) as error:
        attempt(**request)
    said = error.value.response
    assert said["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403"), said
    return said["Error"]["Message"]


def model(**members):
    return {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}} | members


# words


def test_a_denial_says_who_what_on_what_and_why(ann):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""
    user, logs = f"arn:aws:iam::{ACCOUNT}:user/ann", ann.client("logs")
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g:log-stream:"
    assert denied(logs.delete_log_group, logGroupName="g") == (
        f"User: {user} is not authorized to perform: logs:DeleteLogGroup on resource: {group} because no "
        "identity-based policy allows the logs:DeleteLogGroup action"
    )
    ann.may(allow("*"), deny("logs:Delete*"))
    assert denied(logs.delete_log_group, logGroupName="g").endswith("with an explicit deny in an identity-based policy")


def test_s3_says_it_in_its_own_xml(ann):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html"""
    message = denied(ann.client("s3").get_object, Bucket="box", Key="k")
    assert 'perform: s3:GetObject on resource: "arn:aws:s3:::box/k" because no identity-based policy' in message
    assert denied(ann.client("s3").head_object, Bucket="box", Key="k") == "Forbidden"


# when


def test_the_very_next_call_sees_a_change_of_policies(ann):
    s3, iam = ann.client("s3"), ann.iam
    arn = iam.create_policy(PolicyName="read", PolicyDocument=policy(allow("s3:GetObject", "arn:aws:s3:::box/*")))
    arn = arn["Policy"]["Arn"]
    denied(s3.get_object, Bucket="box", Key="k")
    iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    s3.get_object(Bucket="box", Key="k")
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("s3:ListBucket")), SetAsDefault=True)
    denied(s3.get_object, Bucket="box", Key="k")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    s3.get_object(Bucket="box", Key="k")
    iam.detach_user_policy(UserName="ann", PolicyArn=arn)
    denied(s3.get_object, Bucket="box", Key="k")
    ann.may(allow("s3:*"))
    s3.get_object(Bucket="box", Key="k")
    iam.delete_user_policy(UserName="ann", PolicyName="p")
    denied(s3.get_object, Bucket="box", Key="k")


def test_groups_give_what_they_may(ann):
    s3, iam = ann.client("s3"), ann.iam
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=policy(allow("s3:GetObject")))
    iam.add_user_to_group(GroupName="readers", UserName="ann")
    s3.get_object(Bucket="box", Key="k")
    iam.remove_user_from_group(GroupName="readers", UserName="ann")
    denied(s3.get_object, Bucket="box", Key="k")


# what narrows


def test_a_boundary_limits_what_policies_give(ann):
    ann.may(allow("s3:*"))
    arn = ann.iam.create_policy(PolicyName="b", PolicyDocument=policy(allow("s3:ListBucket")))["Policy"]["Arn"]
    ann.iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=arn)
    s3 = ann.client("s3")
    s3.list_objects_v2(Bucket="box")
    assert "no permissions boundary allows" in denied(s3.get_object, Bucket="box", Key="k")


def test_a_session_policy_narrows_the_role(ann):
    sts = client(ann.cloud, "sts", ann.cloud.account.credentials())
    role = f"arn:aws:iam::{ACCOUNT}:role/Administrator"
    asked = {"RoleArn": role, "RoleSessionName": "me", "Policy": policy(allow("s3:GetObject"))}
    s3 = client(ann.cloud, "s3", sts.assume_role(**asked)["Credentials"])
    s3.get_object(Bucket="box", Key="k")
    assert "no session policy allows" in denied(s3.delete_object, Bucket="box", Key="k")
    assert ann.box.get_object(Bucket="box", Key="k")["Body"].read() == b"body"


def test_root_needs_no_policy(cloud):
    with cloud.store.reading() as tx:
        key = tx.get(cloud.account.key)["Root"]
    assert client(cloud, "iam", key).list_users()["Users"] == []


# one call, several checks


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


# conditions


def when(operator, key, value):
    return {"Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    "statement, holds",
    [
        (when("StringEquals", "aws:username", "ann"), True),
        (when("StringEquals", "aws:username", "bob"), False),
        (when("ArnEquals", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:user/ann"), True),
        (when("StringEquals", "aws:PrincipalType", "User"), True),
        (when("StringEquals", "aws:PrincipalTag/team", "yellow"), True),
        (when("StringEquals", "aws:PrincipalTag/TEAM", "yellow"), True),
        (when("StringEquals", "aws:PrincipalTag/team", "red"), False),
        (when("IpAddress", "aws:SourceIp", "127.0.0.0/8"), True),
        (when("NotIpAddress", "aws:SourceIp", "127.0.0.0/8"), False),
        (when("Bool", "aws:SecureTransport", "false"), True),
        (when("Bool", "aws:MultiFactorAuthPresent", "false"), False),  # absent for long-term keys
        (when("BoolIfExists", "aws:MultiFactorAuthPresent", "true"), True),
        (when("Null", "aws:TokenIssueTime", "true"), True),
        (when("Bool", "aws:ViaAWSService", "false"), True),
        (when("StringEquals", "aws:RequestedRegion", "us-east-1"), True),
        (when("StringEquals", "aws:ResourceAccount", ACCOUNT), True),
        (when("StringEquals", "s3:prefix", "home/ann/"), True),
        (when("StringEquals", "s3:prefix", "home/bob/"), False),
        (when("StringEquals", "s3:signatureversion", "AWS4-HMAC-SHA256"), True),
        (when("StringLike", "s3:prefix", "home/${aws:username}/*"), True),
        (when("DateGreaterThan", "aws:CurrentTime", "2001-01-01T00:00:00Z"), True),
        (when("StringLike", "aws:UserAgent", "Botocore/*"), True),
    ],
)
def test_conditions_see_the_request_as_it_is(ann, statement, holds):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    ann.iam.tag_user(UserName="ann", Tags=[{"Key": "team", "Value": "yellow"}])
    s3 = ann.may(allow("s3:ListBucket", **statement)).client("s3")
    listing = {"Bucket": "box", "Prefix": "home/ann/"}
    if holds:
        s3.list_objects_v2(**listing)
    else:
        denied(s3.list_objects_v2, **listing)


def test_tags_of_the_request_and_of_the_resource_decide(ann):
    own = when("StringEquals", "aws:RequestTag/team", "yellow")
    only = when("ForAllValues:StringEquals", "aws:TagKeys", ["team"])
    kept = when("StringEquals", "aws:ResourceTag/team", "yellow")
    ann.may(
        allow("iam:PassRole"),
        allow("sagemaker:CreateModel", **own),
        allow("sagemaker:AddTags", **only),
        allow("sagemaker:DeleteModel", **kept),
    )
    sagemaker, tag = ann.client("sagemaker"), {"Key": "team", "Value": "yellow"}
    denied(sagemaker.create_model, **model())
    denied(sagemaker.create_model, **model(Tags=[tag, {"Key": "more", "Value": ""}]))
    sagemaker.create_model(**model(Tags=[tag]))
    sagemaker.delete_model(ModelName="m")
    client(ann.cloud, "sagemaker", ann.cloud.account.credentials()).create_model(**model())
    denied(sagemaker.delete_model, ModelName="m")


def test_the_size_of_instances_can_be_limited(ann):
    limit = when("ForAllValues:StringLike", "sagemaker:InstanceTypes", ["ml.m5.*"])
    ann.may(allow(["sagemaker:CreateModel", "iam:PassRole"]), allow("sagemaker:CreateEndpointConfig", **limit))
    sagemaker = ann.client("sagemaker")
    sagemaker.create_model(**model())
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1}
    config = {"EndpointConfigName": "c", "ProductionVariants": [variant | {"InstanceType": "ml.p4d.24xlarge"}]}
    denied(sagemaker.create_endpoint_config, **config)
    config["ProductionVariants"][0]["InstanceType"] = "ml.m5.large"
    sagemaker.create_endpoint_config(**config)


# what has no table


def test_what_is_not_implemented_is_denied_to_who_may_not_and_named_to_who_may(ann):
    assert "sagemaker:ListDomains" in denied(ann.client("sagemaker").list_domains)
    with pytest.raises(ClientError, match="ListDomains is not implemented here"):
        ann.may(allow("sagemaker:ListDomains")).client("sagemaker").list_domains()


def test_an_operation_without_an_entry_is_denied_to_everybody(cloud, monkeypatch):
    table = cloud.gateway.authorisation.tables["logs"]
    monkeypatch.setattr(table, "entries", {})
    denied(client(cloud, "logs", cloud.account.credentials()).describe_log_groups)


def test_what_is_forwarded_is_allowed_by_its_action(ann):
    dynamodb = ann.client("dynamodb")
    assert "perform: dynamodb:ListTables because" in denied(dynamodb.list_tables)
    with pytest.raises(ClientError, match="not one of Skylab's own services"):
        ann.may(allow("dynamodb:ListTables")).client("dynamodb").list_tables()
    denied(dynamodb.delete_table, TableName="t")


# services


def test_a_model_of_data_needs_a_role_that_sagemaker_may_assume(ann):
    trust = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    arn = ann.iam.create_role(RoleName="Other", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sagemaker = ann.may(allow("sagemaker:*"), allow("iam:PassRole")).client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://box/model.tar.gz"}
    with pytest.raises(ClientError, match="Could not access model data .* trust relationship"):
        sagemaker.create_model(ModelName="m", ExecutionRoleArn=arn, PrimaryContainer=container)
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)


def test_a_service_assumes_only_a_role_that_trusts_it(ann):
    trust = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    ann.iam.create_role(RoleName="Other", AssumeRolePolicyDocument=trust)
    arn = f"arn:aws:iam::{ACCOUNT}:role/Other"
    for role in (arn, f"{arn}There"):
        with pytest.raises(Exception, match="sagemaker.amazonaws.com is not authorized to perform: sts:AssumeRole on"):
            ann.cloud.assume("s3", "us-east-1", role, "job")
    assert ann.cloud.assume("sts", "us-east-1", arn, "job", "lambda.amazonaws.com").get_caller_identity()


def test_a_call_in_the_callers_name_says_through_which_service(ann, monkeypatch):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html"""
    seen = []
    monkeypatch.setattr(ann.cloud.gateway.authorisation, "authorise", lambda call, *_: seen.append(call.principal.via))
    known = credentials_of(ann.cloud, ann.key)
    service = next(service for service in ann.cloud.services if service.name == "s3")
    call = ann.cloud.gateway.call(service, "us-east-1", identity.principal(known), None, "R")
    call.client("iam").list_users()
    ann.client("iam").list_users()
    assert seen == [("s3.amazonaws.com",), ()]


def credentials_of(cloud, key):
    with cloud.store.reading() as tx:
        return credentials.find(tx, key["AccessKeyId"])


def test_nothing_in_a_request_can_say_that_it_comes_from_a_service(ann):
    through = when("Bool", "aws:ViaAWSService", "true")
    s3 = ann.may(allow("s3:ListBucket", **through)).client("s3")

    def claim(request, **_):
        for name in ("via", "x-amz-via", "x-amz-source-arn", "x-amz-called-via", "x-skylab-origin"):
            request.headers[name] = "sagemaker.amazonaws.com"

    s3.meta.events.register("before-sign.s3.*", claim)
    denied(s3.list_objects_v2, Bucket="box")


def test_a_service_in_its_own_name_has_no_policies_of_its_own(cloud):
    trail = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/t"
    s3 = cloud.world.as_service("cloudtrail.amazonaws.com", trail)("s3", "us-east-1")
    bucket = f"sagemaker-us-east-1-{ACCOUNT}"
    assert "no resource-based policy allows" in denied(s3.put_object, Bucket=bucket, Key="k", Body=b"")


def test_the_credentials_of_a_job_end_with_its_role_or_the_roles_trust(cloud):
    iam, now = client(cloud, "iam", cloud.account.credentials()), cloud.clock.now()
    trusted = policy(
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    )
    arn = iam.create_role(RoleName="Job", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    with cloud.store.writing() as tx:
        tx.start("training", cloud.account.key, now, "task", role=arn, token="secret")

    def status():
        request = HttpRequest("GET", "/_skylab/credentials/task", "", {"authorization": "secret"})
        return asyncio.run_coroutine_threadsafe(cloud.gateway.handle(request), cloud.loop).result().status

    assert status() == 200
    iam.update_assume_role_policy(RoleName="Job", PolicyDocument=trusted.replace("sagemaker", "lambda"))
    assert status() == 403
    iam.delete_role(RoleName="Job")
    assert status() == 403
