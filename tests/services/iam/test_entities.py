"""Groups, instance profiles, service-linked roles, providers, MFA devices and the account.

Quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import base64
import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

ACCOUNT = "000000000000"
TRUST = json.dumps(
    {"Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}
)
READ = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}})
S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture
def iam(cloud):
    return connect(cloud, "iam")


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_group_has_members_and_policies(iam):
    group = iam.create_group(GroupName="Ops", Path="/team/")["Group"]
    assert group["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/team/Ops" and group["GroupId"].startswith("AGPA")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="Ops", UserName="ann")
    iam.add_user_to_group(GroupName="Ops", UserName="ann")
    assert [user["UserName"] for user in iam.get_group(GroupName="Ops")["Users"]] == ["ann"]
    assert iam.list_groups_for_user(UserName="ann")["Groups"] == [group]
    assert iam.list_groups(PathPrefix="/team/")["Groups"] == [group]

    iam.attach_group_policy(GroupName="Ops", PolicyArn=S3)
    iam.put_group_policy(GroupName="Ops", PolicyName="in", PolicyDocument=READ)
    assert iam.list_attached_group_policies(GroupName="Ops")["AttachedPolicies"][0]["PolicyArn"] == S3
    assert iam.list_group_policies(GroupName="Ops")["PolicyNames"] == ["in"]
    assert iam.get_group_policy(GroupName="Ops", PolicyName="in")["PolicyDocument"] == json.loads(READ)
    assert iam.list_entities_for_policy(PolicyArn=S3)["PolicyGroups"] == [
        {"GroupName": "Ops", "GroupId": group["GroupId"]}
    ]
    assert refused(iam.delete_user, UserName="ann") == (
        "DeleteConflict",
        "Cannot delete entity, must remove users from group first.",
    )


def test_a_renamed_group_keeps_its_members_and_one_with_members_stays(iam):
    iam.create_group(GroupName="Ops")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="Ops", UserName="ann")
    iam.update_group(GroupName="Ops", NewGroupName="Run", NewPath="/x/")
    assert [group["Arn"] for group in iam.list_groups_for_user(UserName="ann")["Groups"]] == [
        f"arn:aws:iam::{ACCOUNT}:group/x/Run"
    ]
    assert refused(iam.get_group, GroupName="Ops")[0] == "NoSuchEntity"
    assert refused(iam.delete_group, GroupName="Run")[0] == "DeleteConflict"
    iam.remove_user_from_group(GroupName="Run", UserName="ann")
    iam.delete_group(GroupName="Run")
    assert iam.list_groups()["Groups"] == []


def test_a_user_is_in_ten_groups_at_most(iam):
    iam.create_user(UserName="ann")
    for number in range(11):
        iam.create_group(GroupName=f"g{number}")
    for number in range(10):
        iam.add_user_to_group(GroupName=f"g{number}", UserName="ann")
    assert refused(iam.add_user_to_group, GroupName="g10", UserName="ann") == (
        "LimitExceeded",
        "Cannot exceed quota for GroupsPerUser: 10",
    )


@pytest.mark.parametrize("kind", ["Group", "User", "Role", "Policy"])
def test_names_that_differ_by_case_only_are_the_same(iam, kind):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"""
    more = {"Role": {"AssumeRolePolicyDocument": TRUST}, "Policy": {"PolicyDocument": READ}}.get(kind, {})
    create = getattr(iam, f"create_{kind.lower()}")
    create(**{f"{kind}Name": "Same"}, **more)
    assert refused(create, **{f"{kind}Name": "SAME"}, **more)[0] == "EntityAlreadyExists"


def test_an_instance_profile_holds_one_role(iam):
    profile = iam.create_instance_profile(InstanceProfileName="P", Tags=[{"Key": "a", "Value": "b"}])["InstanceProfile"]
    assert profile["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/P" and profile["Roles"] == []
    for name in ("R", "S"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam.add_role_to_instance_profile(InstanceProfileName="P", RoleName="R")
    assert refused(iam.add_role_to_instance_profile, InstanceProfileName="P", RoleName="S")[0] == "LimitExceeded"
    assert iam.get_instance_profile(InstanceProfileName="P")["InstanceProfile"]["Roles"][0]["RoleName"] == "R"
    assert len(iam.list_instance_profiles_for_role(RoleName="R")["InstanceProfiles"]) == 1
    assert len(iam.list_instance_profiles()["InstanceProfiles"]) == 1
    assert refused(iam.delete_role, RoleName="R")[1].endswith("must remove roles from instance profile first.")
    assert refused(iam.delete_instance_profile, InstanceProfileName="P")[0] == "DeleteConflict"
    iam.tag_instance_profile(InstanceProfileName="P", Tags=[{"Key": "c", "Value": "d"}])
    iam.untag_instance_profile(InstanceProfileName="P", TagKeys=["a"])
    assert iam.list_instance_profile_tags(InstanceProfileName="P")["Tags"] == [{"Key": "c", "Value": "d"}]
    iam.remove_role_from_instance_profile(InstanceProfileName="P", RoleName="R")
    assert refused(iam.remove_role_from_instance_profile, InstanceProfileName="P", RoleName="R")[0] == "NoSuchEntity"
    iam.delete_instance_profile(InstanceProfileName="P")
    assert refused(iam.get_instance_profile, InstanceProfileName="P")[1] == "Instance Profile P cannot be found."


def test_a_service_linked_role_is_its_services_alone(iam):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html"""
    role = iam.create_service_linked_role(AWSServiceName="sagemaker.amazonaws.com")["Role"]
    name = "AWSServiceRoleForAmazonSageMakerNotebooks"
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.amazonaws.com/{name}"
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert iam.get_policy(PolicyArn=attached[0]["PolicyArn"])["Policy"]["AttachmentCount"] == 1
    for change in (
        lambda: iam.delete_role(RoleName=name),
        lambda: iam.attach_role_policy(RoleName=name, PolicyArn=S3),
        lambda: iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=READ),
        lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=TRUST),
    ):
        code, message = refused(change)
        assert code == "UnmodifiableEntity" and f"protected role '{name}'" in message
    again = refused(iam.create_service_linked_role, AWSServiceName="sagemaker.amazonaws.com")
    assert again[0] == "InvalidInput" and "has been taken" in again[1]
    assert refused(iam.create_service_linked_role, AWSServiceName="x.amazonaws.com")[0] == "InvalidInput"
    task = iam.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/sagemaker.amazonaws.com/{name}/")
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert refused(iam.get_role, RoleName=name)[0] == "NoSuchEntity"


def test_an_identity_provider_is_known_by_its_url(iam):
    arn = iam.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["A" * 40]
    )["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="me")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["b" * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert shown["Url"] == "token.actions.githubusercontent.com" and shown["Tags"] == [{"Key": "a", "Value": "b"}]
    assert (shown["ClientIDList"], shown["ThumbprintList"]) == (["me"], ["b" * 40])
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    again = refused(iam.create_open_id_connect_provider, Url="https://token.actions.githubusercontent.com")
    assert again[0] == "EntityAlreadyExists"
    for url in ("http://example.com", "ftp://example.com", "https://u@example.com/x", "https://a.b/?c=d"):
        assert refused(iam.create_open_id_connect_provider, Url=url)[0] == "ValidationError"
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert refused(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)[0] == "NoSuchEntity"


def codes(cloud, seed, *steps):
    totp = TOTP(base64.b32decode(seed), 6, SHA1(), 30, enforce_key_length=False)
    return [totp.generate(int(cloud.clock.now().timestamp()) + 30 * step).decode() for step in steps]


def make_device(iam, name="phone"):
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    return device["SerialNumber"], device["Base32StringSeed"]


def test_a_device_is_enabled_by_two_codes_in_a_row(iam, cloud):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html"""
    iam.create_user(UserName="ann")
    serial, seed = make_device(iam)
    assert serial == f"arn:aws:iam::{ACCOUNT}:mfa/phone" and len(seed) == 64
    first, second, third = codes(cloud, seed, -1, 0, 1)

    def enable(one, two):
        iam.enable_mfa_device(UserName="ann", SerialNumber=serial, AuthenticationCode1=one, AuthenticationCode2=two)

    wrong = refused(lambda: enable(first, third))
    assert wrong == ("InvalidAuthenticationCode", "Authentication code for device is not valid.")
    enable(first, second)
    (device,) = iam.list_mfa_devices(UserName="ann")["MFADevices"]
    assert device == {"UserName": "ann", "SerialNumber": serial, "EnableDate": cloud.clock.now()}
    assert iam.get_mfa_device(SerialNumber=serial)["UserName"] == "ann"
    assert refused(lambda: enable(second, third))[0] == "EntityAlreadyExists"
    assert (
        iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"][0]["User"]["UserName"] == "ann"
    )
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"] == []
    assert refused(iam.delete_virtual_mfa_device, SerialNumber=serial)[0] == "DeleteConflict"
    assert refused(iam.delete_user, UserName="ann")[1] == "Cannot delete entity, must delete MFA device first."
    iam.resync_mfa_device(UserName="ann", SerialNumber=serial, AuthenticationCode1=second, AuthenticationCode2=third)
    iam.tag_mfa_device(SerialNumber=serial, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.list_mfa_device_tags(SerialNumber=serial)["Tags"] == [{"Key": "a", "Value": "b"}]
    iam.deactivate_mfa_device(UserName="ann", SerialNumber=serial)
    iam.delete_virtual_mfa_device(SerialNumber=serial)
    iam.delete_user(UserName="ann")


def test_a_seed_is_on_disk_in_no_readable_form(iam, cloud):
    _, seed = make_device(iam)
    raw = base64.b32decode(seed)
    kept = b"".join(path.read_bytes() for path in cloud.root.glob("state.db*"))
    assert b'"seed":' in kept
    assert not [form for form in (raw, seed, base64.b64encode(raw)) if form in kept]


def test_the_account_has_one_alias_and_a_summary(iam):
    iam.create_account_alias(AccountAlias="first-one")
    iam.create_account_alias(AccountAlias="second-one")
    assert iam.list_account_aliases()["AccountAliases"] == ["second-one"]
    iam.delete_account_alias(AccountAlias="second-one")
    assert refused(iam.delete_account_alias, AccountAlias="second-one")[0] == "NoSuchEntity"
    iam.create_group(GroupName="g")
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Groups"], summary["Roles"], summary["GroupsQuota"]) == (1, 2, 300)
    assert (summary["AccountAccessKeysPresent"], summary["VersionsPerPolicyQuota"]) == (1, 5)


def test_all_of_the_account_is_listed_in_pages(iam):
    iam.create_group(GroupName="g")
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="in", PolicyDocument=READ)
    iam.create_policy(PolicyName="p", PolicyDocument=READ)
    pages = iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2})
    whole = {}
    for page in pages:
        for member in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
            whole.setdefault(member, []).extend(page[member])
    (user,) = whole["UserDetailList"]
    assert user["GroupList"] == ["g"] and user["UserPolicyList"][0]["PolicyDocument"] == json.loads(READ)
    assert [role["RoleName"] for role in whole["RoleDetailList"]] == ["Administrator", "AmazonSageMaker-ExecutionRole"]
    assert {p["PolicyName"] for p in whole["Policies"]} == {"AdministratorAccess", "AmazonSageMakerFullAccess", "p"}
    only = iam.get_account_authorization_details(Filter=["LocalManagedPolicy"])
    assert [p["PolicyName"] for p in only["Policies"]] == ["p"] and only["UserDetailList"] == []


def test_nobody_has_a_password_or_a_certificate(iam):
    iam.create_user(UserName="ann")
    assert refused(iam.get_login_profile, UserName="ann") == (
        "NoSuchEntity",
        "Login Profile for User ann cannot be found.",
    )
    assert iam.list_signing_certificates(UserName="ann")["Certificates"] == []
    assert iam.list_ssh_public_keys(UserName="ann")["SSHPublicKeys"] == []
    assert refused(iam.list_ssh_public_keys, UserName="bob")[0] == "NoSuchEntity"


def test_keys_of_tags_are_limited(iam):
    iam.create_user(UserName="ann")
    assert refused(iam.tag_user, UserName="ann", Tags=[{"Key": "aws:x", "Value": ""}])[0] == "InvalidInput"
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    iam.tag_user(UserName="ann", Tags=many)
    assert refused(iam.tag_user, UserName="ann", Tags=[{"Key": "one-more", "Value": ""}])[0] == "LimitExceeded"


def test_when_a_key_and_a_role_were_used_is_known_to_a_quarter_of_an_hour(iam, cloud):
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    never = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert never["UserName"] == "ann"
    assert never["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}

    sts = cloud.transport.client("sts", "eu-west-1", key["AccessKeyId"], key["SecretAccessKey"], None)
    first = cloud.clock.now()
    for minutes, seen in ((0, first), (10, first), (10, first + timedelta(minutes=20))):
        cloud.clock.advance(minutes=minutes)
        sts.get_caller_identity()
        used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
        assert used == {"LastUsedDate": seen, "ServiceName": "sts", "Region": "eu-west-1"}
    assert iam.get_role(RoleName="Administrator")["Role"]["RoleLastUsed"]["LastUsedDate"] <= cloud.clock.now()
    assert refused(iam.get_access_key_last_used, AccessKeyId="AKIA" + "A" * 16)[0] == "NoSuchEntity"
