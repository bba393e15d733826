"""Policies of keys, and the needs that they and grants are asked for."""

import json

import pytest
from services.kms.calling import ALICE, ROLE, ROOT, SESSION, USER

from skylab.services.access import Need


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
