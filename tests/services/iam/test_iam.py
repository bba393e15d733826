"""Roles and policies: made, changed, attached, tagged, deleted, and what is refused."""

import json

import pytest
from services.iam.asked import ACCOUNT, refused


def policy(*statements, **members):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | members)


TRUST = policy(
    {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
)
READ = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
WRITE = policy({"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::bucket/*"]})


def make_role(iam, name="Trainer", **members):
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, **members)["Role"]


def make_policy(iam, name="Read", **members):
    return iam.create_policy(PolicyName=name, PolicyDocument=READ, **members)["Policy"]["Arn"]


def test_a_role_is_found_by_its_name_and_carries_its_path_in_its_arn(iam, cloud):
    made = make_role(iam, Path="/service-role/", Description="trains", Tags=[{"Key": "team", "Value": "ml"}])
    role = iam.get_role(RoleName="Trainer")["Role"]
    assert role["Arn"] == made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/service-role/Trainer"
    assert role["RoleId"].startswith("AROA") and len(role["RoleId"]) == 21
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert (role["MaxSessionDuration"], role["CreateDate"]) == (3600, cloud.clock.now())
    assert role["Tags"] == [{"Key": "team", "Value": "ml"}]


def test_missing_and_existing_read_as_in_aws(iam):
    make_role(iam)
    assert refused(make_role, iam=iam) == (409, "EntityAlreadyExists", "Role with name Trainer already exists.")
    assert refused(iam.get_role, RoleName="X") == (404, "NoSuchEntity", "The role with name X cannot be found.")
    assert refused(iam.get_user, UserName="X") == (404, "NoSuchEntity", "The user with name X cannot be found.")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/X"
    assert refused(iam.get_policy, PolicyArn=arn) == (404, "NoSuchEntity", f"Policy {arn} was not found.")
    make_policy(iam)
    assert refused(make_policy, iam=iam)[1:] == (
        "EntityAlreadyExists",
        "A policy called Read already exists. Duplicate names are not allowed.",
    )


@pytest.mark.parametrize(
    "trust, message",
    [
        ("{", "This policy contains invalid Json"),
        ('{"a":1,"a":2}', "This policy contains invalid Json"),
        ("[" * 5000, "This policy contains invalid Json"),
        (json.dumps({"Statement": []}), "Syntax errors in policy."),
        (policy({"Effect": "Allow", "Action": "sts:AssumeRole"}), "Missing required field Principal"),
        (policy({"Effect": "Maybe", "Principal": "*", "Action": "sts:AssumeRole"}), "Syntax errors in policy."),
        (policy({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}), "Resource"),
        (policy({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}), "STS AssumeRole actions"),
        (policy({"Effect": "Allow", "Principal": {"AWS": "me"}, "Action": "sts:AssumeRole"}), '"AWS":"me"'),
        (policy({"Effect": "Allow", "Principal": {"Service": "x"}, "Action": "sts:AssumeRole"}), '"Service":"x"'),
        (policy({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}, Version="2020"), "version"),
    ],
)
def test_a_trust_policy_must_be_one(iam, trust, message):
    status, code, text = refused(iam.create_role, RoleName="R", AssumeRolePolicyDocument=trust)
    assert (status, code) == (400, "MalformedPolicyDocument") and message in text
    make_role(iam)
    assert refused(iam.update_assume_role_policy, RoleName="Trainer", PolicyDocument=trust)[1] == code


@pytest.mark.parametrize(
    "document, message",
    [
        (policy({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}), "not specify a principal"),
        (policy({"Effect": "Allow", "Action": "s3:*"}), "must contain resources"),
        (policy({"Effect": "Allow", "Resource": "*"}), "must contain actions"),
        (policy({"Effect": "Allow", "Action": "GetObject", "Resource": "*"}), "prefaced by a vendor"),
        (policy({"Effect": "Allow", "Action": "s3:*", "Resource": "bucket"}), "ARN format"),
        (policy(*[{"Sid": "a", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}] * 2), "must be unique"),
        (policy({"Effect": "Allow", "Action": [1], "Resource": "*"}), "Syntax errors"),
        (policy({"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": []}), "Syntax errors"),
    ],
)
def test_a_permission_policy_must_be_one(iam, document, message):
    make_role(iam)
    for call in (
        lambda: iam.create_policy(PolicyName="P", PolicyDocument=document),
        lambda: iam.put_role_policy(RoleName="Trainer", PolicyName="P", PolicyDocument=document),
    ):
        _, code, text = refused(call)
        assert code == "MalformedPolicyDocument" and message in text


def test_roles_are_listed_by_path_in_pages_without_their_tags(iam):
    for name in ("a", "b", "c"):
        make_role(iam, name, Path="/team/", Tags=[{"Key": "k", "Value": "v"}])
    make_role(iam, "other")
    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix="/team/", PaginationConfig={"PageSize": 2}))
    assert [[role["RoleName"] for role in page["Roles"]] for page in pages] == [["a", "b"], ["c"]]
    assert "Tags" not in pages[0]["Roles"][0]
    assert pages[0]["Roles"][0]["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert "Marker" not in pages[1] and not pages[1]["IsTruncated"]
    assert refused(iam.list_roles, Marker="\u00e9")[1] == "ValidationError"


def test_a_role_is_changed_and_keeps_what_was_not_named(iam):
    make_role(iam, Description="old")
    iam.update_role(RoleName="Trainer", MaxSessionDuration=7200)
    trust = policy({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"})
    iam.update_assume_role_policy(RoleName="Trainer", PolicyDocument=trust)
    role = iam.get_role(RoleName="Trainer")["Role"]
    assert (role["MaxSessionDuration"], role["Description"]) == (7200, "old")
    assert role["AssumeRolePolicyDocument"] == json.loads(trust)


def test_a_role_is_deleted_only_when_nothing_hangs_on_it(iam):
    make_role(iam)
    arn = make_policy(iam)
    iam.attach_role_policy(RoleName="Trainer", PolicyArn=arn)
    iam.put_role_policy(RoleName="Trainer", PolicyName="inline", PolicyDocument=READ)
    assert refused(iam.delete_role, RoleName="Trainer") == (
        409,
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
    )
    iam.detach_role_policy(RoleName="Trainer", PolicyArn=arn)
    assert refused(iam.delete_role, RoleName="Trainer")[2] == "Cannot delete entity, must delete policies first."
    iam.delete_role_policy(RoleName="Trainer", PolicyName="inline")
    iam.delete_role(RoleName="Trainer")
    assert "Trainer" not in [role["RoleName"] for role in iam.list_roles()["Roles"]]


@pytest.mark.parametrize("kind", ["role", "user"])
def test_policies_are_attached_inlined_and_listed(iam, kind):
    make_role(iam, "x")
    iam.create_user(UserName="x")
    who = {"RoleName" if kind == "role" else "UserName": "x"}
    arn, full = make_policy(iam, Path="/own/"), "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"

    def do(verb, **request):
        return getattr(iam, verb.format(kind))(**who, **request)

    do("attach_{}_policy", PolicyArn=arn)
    do("attach_{}_policy", PolicyArn=arn)
    do("attach_{}_policy", PolicyArn=full)
    do("put_{}_policy", PolicyName="in", PolicyDocument=WRITE)

    attached = do("list_attached_{}_policies")["AttachedPolicies"]
    assert attached == [
        {"PolicyName": "Read", "PolicyArn": arn},
        {"PolicyName": "AmazonSageMakerFullAccess", "PolicyArn": full},
    ]
    assert do("list_attached_{}_policies", PathPrefix="/own/")["AttachedPolicies"] == attached[:1]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    found = iam.list_entities_for_policy(PolicyArn=arn)
    assert [len(found[f"Policy{each}"]) for each in ("Roles", "Users")] == ([1, 0] if kind == "role" else [0, 1])
    assert do("list_{}_policies")["PolicyNames"] == ["in"]
    assert do("get_{}_policy", PolicyName="in")["PolicyDocument"] == json.loads(WRITE)
    do("detach_{}_policy", PolicyArn=arn)
    assert refused(do, verb="detach_{}_policy", PolicyArn=arn)[1] == "NoSuchEntity"
    do("delete_{}_policy", PolicyName="in")
    assert refused(do, verb="get_{}_policy", PolicyName="in")[1] == "NoSuchEntity"


def test_only_policies_that_exist_are_attached(iam):
    make_role(iam)
    for arn in (f"arn:aws:iam::{ACCOUNT}:policy/none", "arn:aws:iam::aws:policy/NoSuchAccess"):
        assert refused(iam.attach_role_policy, RoleName="Trainer", PolicyArn=arn)[1] == "NoSuchEntity"
    invalid = refused(iam.attach_role_policy, RoleName="Trainer", PolicyArn="not-an-arn-of-iam-at-all")
    assert invalid[1] == "InvalidInput"
    for number in range(10):
        iam.attach_role_policy(RoleName="Trainer", PolicyArn=make_policy(iam, f"p{number}"))
    assert refused(iam.attach_role_policy, RoleName="Trainer", PolicyArn=make_policy(iam))[2] == (
        "Cannot exceed quota for PoliciesPerRole: 10"
    )


def test_a_policy_has_five_versions_of_which_one_counts(iam):
    arn = make_policy(iam)
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ)
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=WRITE, SetAsDefault=True)["PolicyVersion"] == {
        "VersionId": "v5",
        "IsDefaultVersion": True,
        "CreateDate": iam.get_policy(PolicyArn=arn)["Policy"]["UpdateDate"],
    }
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=READ)[1] == "LimitExceeded"
    assert refused(iam.delete_policy, PolicyArn=arn)[1] == "DeleteConflict"
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v5")[1] == "DeleteConflict"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v5"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v5")["PolicyVersion"]["Document"] == json.loads(WRITE)
    for version in ("v1", "v2", "v3"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ)["PolicyVersion"]["VersionId"] == "v6"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v4")
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert {v["VersionId"]: v["IsDefaultVersion"] for v in listed} == {"v4": True, "v5": False, "v6": False}


def test_policies_are_listed_and_an_attached_one_stays(iam):
    arn = make_policy(iam, Path="/own/", Description="reads")
    make_policy(iam, "Other")
    make_role(iam)
    iam.attach_role_policy(RoleName="Trainer", PolicyArn=arn)
    assert [p["PolicyName"] for p in iam.list_policies(Scope="Local")["Policies"]] == ["Other", "Read"]
    assert [p["AttachmentCount"] for p in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]] == [1]
    assert iam.list_policies(PathPrefix="/none/")["Policies"] == []
    assert refused(iam.delete_policy, PolicyArn=arn)[2] == "Cannot delete a policy attached to entities."
    iam.detach_role_policy(RoleName="Trainer", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


def test_sizes_are_limited_and_white_space_is_free(iam):
    make_role(iam)
    long = policy({"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::" + "x" * 6200]})
    assert refused(iam.create_policy, PolicyName="L", PolicyDocument=long)[1:] == (
        "LimitExceeded",
        "Cannot exceed quota for PolicySize: 6144",
    )
    iam.create_policy(PolicyName="L", PolicyDocument=READ + " " * 7000)
    iam.put_role_policy(RoleName="Trainer", PolicyName="a", PolicyDocument=long)
    assert "10240 bytes" in refused(iam.put_role_policy, RoleName="Trainer", PolicyName="b", PolicyDocument=long)[2]
    assert iam.list_role_policies(RoleName="Trainer")["PolicyNames"] == ["a"]


def test_tags_are_one_per_key_whatever_its_case(iam):
    make_role(iam, Tags=[{"Key": "Team", "Value": "a"}])
    iam.tag_role(RoleName="Trainer", Tags=[{"Key": "team", "Value": "b"}, {"Key": "stage", "Value": "dev"}])
    assert iam.list_role_tags(RoleName="Trainer")["Tags"] == [
        {"Key": "stage", "Value": "dev"},
        {"Key": "team", "Value": "b"},
    ]
    iam.untag_role(RoleName="Trainer", TagKeys=["TEAM"])
    assert [tag["Key"] for tag in iam.list_role_tags(RoleName="Trainer")["Tags"]] == ["stage"]
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert refused(iam.tag_role, RoleName="Trainer", Tags=twice)[1] == "InvalidInput"
    iam.create_user(UserName="ann", Tags=[{"Key": "a", "Value": "1"}])
    iam.untag_user(UserName="ann", TagKeys=["a"])
    assert iam.list_user_tags(UserName="ann")["Tags"] == []
    arn = make_policy(iam)
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Tags"] == iam.list_policy_tags(PolicyArn=arn)["Tags"]


def test_a_boundary_is_a_policy_that_exists(iam):
    arn = make_policy(iam)
    role = make_role(iam, PermissionsBoundary=arn)
    assert role["PermissionsBoundary"] == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    iam.delete_role_permissions_boundary(RoleName="Trainer")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="Trainer")["Role"]
    assert refused(iam.put_role_permissions_boundary, RoleName="Trainer", PermissionsBoundary=arn + "x")[1] == (
        "NoSuchEntity"
    )
