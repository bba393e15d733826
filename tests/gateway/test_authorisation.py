"""What policies let callers do, as real boto3 clients hear it."""

import pytest
from botocore.exceptions import ClientError
from gateway.person import ACCOUNT, allow, client, denied, deny, policy


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
