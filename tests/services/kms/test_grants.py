"""Grants and key policies. https://docs.aws.amazon.com/kms/latest/developerguide/grants.html"""

import json

import pytest

from skylab.services.access import Need
from skylab.services.call import Call, Principal
from skylab.services.kms.granting import _covers, allows
from skylab.services.kms.names import key_in

ROOT = "arn:aws:iam::000000000000:root"
ALICE = "arn:aws:iam::000000000000:user/alice"
ROLE = "arn:aws:iam::000000000000:role/job"
SESSION = Principal("arn:aws:sts::000000000000:assumed-role/job/one", "AROA:one", "000000000000", role=ROLE)
USER = Principal(ALICE, "AIDA", "000000000000")


@pytest.fixture
def call(cloud, clock):
    part = next(service.part for service in cloud.services if service.name == "kms")

    def by(principal):
        given = cloud.store, cloud.ids, cloud.settings, "kms", "000000000000", "us-east-1", clock.now(), principal, "R"
        return Call(*given, None, part, cloud.connect)

    return by


def test_a_grant_is_made_listed_and_revoked(kms, key, clock):
    given = {"GranteePrincipal": ROLE, "RetiringPrincipal": ALICE, "Operations": ["Decrypt", "DescribeKey"]}
    made = kms.create_grant(KeyId=key["KeyId"], Name="n", **given)
    (grant,) = kms.list_grants(KeyId=key["KeyId"])["Grants"]

    assert grant == given | {
        "KeyId": key["Arn"], "GrantId": made["GrantId"], "Name": "n", "CreationDate": clock.now(),
        "IssuingAccount": ROOT,
    }  # fmt: skip
    assert kms.list_grants(KeyId=key["KeyId"], GranteePrincipal=ALICE)["Grants"] == []
    assert kms.list_grants(KeyId=key["KeyId"], GrantId=made["GrantId"])["Grants"] == [grant]
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])
    assert kms.list_grants(KeyId=key["KeyId"])["Grants"] == []


def test_the_same_name_and_parameters_are_the_same_grant(kms, key):
    given = {"KeyId": key["KeyId"], "GranteePrincipal": ROLE, "Operations": ["Decrypt"]}
    one, again = (kms.create_grant(Name="n", **given) for _ in range(2))
    other = kms.create_grant(Name="n", **given | {"Operations": ["Encrypt"]})
    unnamed = {kms.create_grant(**given)["GrantId"] for _ in range(2)}

    assert one["GrantId"] == again["GrantId"] and one["GrantToken"] != again["GrantToken"]
    assert len({one["GrantId"], other["GrantId"], *unnamed}) == 4


def test_a_name_on_another_key_is_another_grant(kms, key):
    other = kms.create_key()["KeyMetadata"]
    given = {"GranteePrincipal": ROLE, "Operations": ["Decrypt"], "Name": "n"}
    kms.create_grant(KeyId=key["KeyId"], **given)

    kms.create_grant(KeyId=other["KeyId"], **given)
    assert len(kms.list_grants(KeyId=other["KeyId"])["Grants"]) == 1


def test_a_grant_is_retired_by_its_token_or_by_its_id(kms, key, refused):
    given = {"KeyId": key["KeyId"], "GranteePrincipal": ROLE, "RetiringPrincipal": ROOT, "Operations": ["Decrypt"]}
    one, two = (kms.create_grant(**given) for _ in range(2))
    assert len(kms.list_retirable_grants(RetiringPrincipal=ROOT)["Grants"]) == 2

    kms.retire_grant(GrantToken=one["GrantToken"])
    kms.retire_grant(KeyId=key["Arn"], GrantId=two["GrantId"])
    assert kms.list_retirable_grants(RetiringPrincipal=ROOT)["Grants"] == []
    for gone in ({"GrantToken": one["GrantToken"]}, {"KeyId": key["KeyId"], "GrantId": two["GrantId"]}):
        with refused() as said:
            kms.retire_grant(**gone)
        assert said.code == "NotFoundException"


def test_a_token_is_accepted_and_a_made_up_one_refused(kms, key, refused):
    token = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=ROLE, Operations=["Decrypt"])["GrantToken"]
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", GrantTokens=[token])

    for wrong in ("x", token[:-4] + "AAA=", token + "ä"):
        with refused() as said:
            kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", GrantTokens=[wrong])
        assert said.code == "InvalidGrantTokenException"


@pytest.mark.parametrize(
    "given, code",
    [
        ({"Operations": ["Sign"]}, "ValidationException"),
        ({"Operations": ["GetPublicKey"]}, "ValidationException"),
        ({"Operations": []}, "ValidationException"),
        ({"GranteePrincipal": "alice"}, "InvalidArnException"),
        ({"RetiringPrincipal": "arn:aws:iam::000000000000:group/g"}, "InvalidArnException"),
        ({"GranteeServicePrincipal": "s3.amazonaws.com"}, "ValidationException"),
        ({"Constraints": {"EncryptionContextEquals": {"a": "b"}, "EncryptionContextSubset": {}}},
         "ValidationException"),
        ({"Constraints": {"EncryptionContextSubset": {str(n): "" for n in range(9)}}}, "ValidationException"),
        ({"DryRun": True}, "DryRunOperationException"),
    ],
)  # fmt: skip
def test_a_grant_that_cannot_be_is_refused(kms, key, refused, given, code):
    with refused() as said:
        kms.create_grant(**{"KeyId": key["KeyId"], "GranteePrincipal": ROLE, "Operations": ["Decrypt"]} | given)
    assert said.code == code
    assert kms.list_grants(KeyId=key["KeyId"])["Grants"] == []


def test_grants_are_listed_in_pages(kms, key):
    for _ in range(3):
        kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=ROLE, Operations=["Decrypt"])
    pages = list(kms.get_paginator("list_grants").paginate(KeyId=key["KeyId"], PaginationConfig={"PageSize": 2}))

    assert [len(page["Grants"]) for page in pages] == [2, 1]


# what a grant allows

EQUALS, SUBSET = "EncryptionContextEquals", "EncryptionContextSubset"


@pytest.mark.parametrize(
    "constraints, context, allowed",
    [
        ({}, {}, True),
        ({}, {"a": "1"}, True),
        ({SUBSET: {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({SUBSET: {"a": "1"}}, {"a": "2"}, False),
        ({SUBSET: {"a": "1"}}, {"A": "1"}, False),
        ({SUBSET: {"a": "1"}}, {}, False),
        ({EQUALS: {"a": "1"}}, {"a": "1"}, True),
        ({EQUALS: {"a": "1"}}, {"a": "1", "b": "2"}, False),
        ({EQUALS: {"a": "1"}}, {}, False),
    ],
)
def test_a_context_constraint_holds_for_what_encrypts(constraints, context, allowed):
    operations = ["Decrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo", "DescribeKey"]
    grant = {"Operations": operations, "Constraints": constraints}

    assert _covers(grant, "Decrypt", {"EncryptionContext": context}) is allowed
    assert _covers(grant, "GenerateDataKey", {"EncryptionContext": context}) is allowed
    assert _covers(grant, "ReEncryptFrom", {"SourceEncryptionContext": context}) is allowed
    assert _covers(grant, "ReEncryptTo", {"DestinationEncryptionContext": context}) is allowed
    assert _covers(grant, "DescribeKey", {}) is True
    assert _covers(grant, "Encrypt", {"EncryptionContext": context}) is False


@pytest.mark.parametrize(
    "parent, operations, child, allowed",
    [
        ({}, ["Decrypt"], {}, True),
        ({}, ["Decrypt", "Encrypt"], {}, False),
        ({SUBSET: {"a": "1"}}, ["Decrypt"], {}, False),
        ({SUBSET: {"a": "1"}}, ["Decrypt"], {SUBSET: {"a": "1", "b": "2"}}, True),
        ({SUBSET: {"a": "1"}}, ["Decrypt"], {EQUALS: {"a": "1", "b": "2"}}, True),
        ({SUBSET: {"a": "1"}}, ["Decrypt"], {SUBSET: {"b": "2"}}, False),
        ({EQUALS: {"a": "1"}}, ["Decrypt"], {SUBSET: {"a": "1"}}, False),
        ({EQUALS: {"a": "1"}}, ["Decrypt"], {EQUALS: {"a": "1"}}, True),
    ],
)
def test_who_makes_a_grant_by_a_grant_gives_no_more_than_it_has(parent, operations, child, allowed):
    grant = {"Operations": ["Decrypt", "CreateGrant"], "Constraints": parent}

    assert _covers(grant, "CreateGrant", {"Operations": operations, "Constraints": child}) is allowed


def test_a_grant_is_for_its_grantee_a_roles_for_all_its_sessions(kms, key, call):
    kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=ROLE, Operations=["Decrypt"])
    at = key_in(call(USER), "000000000000", key["KeyId"])

    assert allows(call(SESSION), "Decrypt", at, {}) is True
    assert allows(call(SESSION), "Encrypt", at, {}) is False
    assert allows(call(USER), "Decrypt", at, {}) is False


def test_who_may_retire_a_grant_is_said_by_the_grant(kms, key, call):
    at = key_in(call(USER), "000000000000", key["KeyId"])
    given = {"KeyId": key["KeyId"], "GranteePrincipal": ROLE}
    by_user = kms.create_grant(RetiringPrincipal=ALICE, Operations=["Decrypt"], **given)["GrantToken"]
    by_grantee = kms.create_grant(Operations=["RetireGrant"], **given)["GrantToken"]

    for who, token, may in (
        (USER, by_user, True), (SESSION, by_user, False), (USER, by_grantee, False), (SESSION, by_grantee, True),
    ):  # fmt: skip
        assert allows(call(who), "RetireGrant", at, {"GrantToken": token}) is may
    assert allows(call(USER), "RetireGrant", at, {"GrantToken": "x"}) is False


# key policies


def statement(effect="Allow", principal=None, action="kms:*", **more):
    return {"Effect": effect, "Principal": principal or {"AWS": ROOT}, "Action": action, "Resource": "*"} | more


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_a_key_has_the_default_policy_until_it_is_given_another(kms, key):
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""
    got = kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")
    (default,) = json.loads(got["Policy"])["Statement"]

    assert default == statement() | {"Sid": "Enable IAM User Permissions"} and got["PolicyName"] == "default"
    assert kms.list_key_policies(KeyId=key["KeyId"])["PolicyNames"] == ["default"]
    other = policy(statement(), statement(principal="*", action="kms:Decrypt"))
    kms.put_key_policy(KeyId=key["KeyId"], Policy=other)
    assert kms.get_key_policy(KeyId=key["KeyId"])["Policy"] == other


@pytest.mark.parametrize(
    "text",
    [
        policy(statement(principal={"AWS": ALICE})),
        policy(statement(action=["kms:Encrypt", "kms:Get*"])),
        policy(statement(), statement("Deny", "*", "kms:PutKeyPolicy")),
        policy(statement(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
    ],
)
def test_a_policy_that_locks_the_caller_out_is_refused_unless_that_is_wanted(kms, key, refused, text):
    for use in (lambda **more: kms.put_key_policy(KeyId=key["KeyId"], **more), kms.create_key):
        with refused() as said:
            use(Policy=text)
        assert said.code == "MalformedPolicyDocumentException"
        assert said.message == "The new key policy will not allow you to update the key policy in the future."
        use(Policy=text, BypassPolicyLockoutSafetyCheck=True)


@pytest.mark.parametrize(
    "text", ["x", "[]", "{}", policy(), '{"Statement": [1]}', policy({"Effect": "Allow"}), "[" * 5000]
)
def test_what_is_no_policy_is_refused(kms, key, refused, text):
    with refused() as said:
        kms.put_key_policy(KeyId=key["KeyId"], Policy=text, BypassPolicyLockoutSafetyCheck=True)
    assert said.code == "MalformedPolicyDocumentException"


def test_a_policy_may_have_32_kilobytes(kms, key, refused):
    with refused() as said:
        kms.put_key_policy(KeyId=key["KeyId"], Policy=policy(statement(Sid="x" * 32768)))
    assert said.code == "LimitExceededException"


# access


def checks(call, operation, **parameters):
    from skylab.services.kms.access import ACCESS

    return [
        (need.action, arn)
        for need in ACCESS[operation]
        if need.asked(call, parameters)
        for arn in need.resources(call, parameters)
    ]


def values(call, need: Need, **parameters):
    from skylab.services.access import given

    return {name: given(source, call, parameters) for name, source in need.keys.items()}


def test_every_operation_that_is_offered_has_its_needs():
    from skylab.gateway.service import Service
    from skylab.services import kms
    from skylab.services.kms.access import ACCESS

    assert set(ACCESS) == set(Service(kms, {}).operations)


def test_needs_are_on_the_keys_own_arn_however_it_is_named(kms, key, call):
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    alias = "arn:aws:kms:us-east-1:000000000000:alias/mine"
    other, by = kms.create_key()["KeyMetadata"], call(USER)

    for name in (key["KeyId"], key["Arn"], "alias/mine", alias):
        assert checks(by, "Encrypt", KeyId=name) == [("kms:Encrypt", key["Arn"])]
    assert checks(by, "Decrypt", CiphertextBlob=blob) == [("kms:Decrypt", key["Arn"])]
    assert checks(by, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=other["KeyId"]) == [
        ("kms:ReEncryptFrom", key["Arn"]),
        ("kms:ReEncryptTo", other["Arn"]),
    ]
    assert checks(by, "UpdateAlias", AliasName="alias/mine", TargetKeyId=other["KeyId"]) == [
        ("kms:UpdateAlias", alias),
        ("kms:UpdateAlias", key["Arn"]),
        ("kms:UpdateAlias", other["Arn"]),
    ]
    token = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=ROLE, Operations=["Decrypt"])["GrantToken"]
    assert checks(by, "RetireGrant", GrantToken=token) == [("kms:RetireGrant", key["Arn"])]
    (managed,) = checks(by, "GenerateDataKey", KeyId="alias/aws/s3")
    assert managed[1] == kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"]


def test_condition_keys_are_those_of_the_key_and_the_request(kms, key, call):
    from skylab.services.kms.access import ACCESS, COMMON, granted, resource_policy, resource_tags

    kms.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": "team", "TagValue": "ml"}])
    by = call(SESSION)
    request = {"KeyId": "alias/mine", "EncryptionContext": {"a": "1"}}
    (need,) = ACCESS["Encrypt"]
    found = values(by, need, **request)

    assert found["kms:EncryptionContext:"] == {"a": "1"} and found["kms:EncryptionContextKeys"] == ["a"]
    assert (found["kms:KeySpec"], found["kms:KeyUsage"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    assert found["kms:KeyOrigin"] == "AWS_KMS" and found["kms:ResourceAliases"] == ["alias/mine"]
    assert found["kms:EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert COMMON["kms:RequestAlias"](by, request) == "alias/mine"
    assert COMMON["kms:RequestAlias"](by, {"KeyId": key["Arn"]}) is None
    assert json.loads(resource_policy(by, key["Arn"]))["Id"] == "key-default-1"
    assert resource_tags(by, key["Arn"]) == {"team": "ml"}
    assert granted(by, "kms:Decrypt", key["Arn"], {}) is False
    kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=ROLE, Operations=["Decrypt"])
    assert granted(by, "kms:Decrypt", key["Arn"], {}) is True
