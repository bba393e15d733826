"""Who may use a key: its policy must let them, or a grant. Through the gateway, as users with keys of their own.

https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
"""

import json

import pytest
from conftest import connect

ROOT = {"AWS": "arn:aws:iam::000000000000:root"}
ALICE = "arn:aws:iam::000000000000:user/alice"


@pytest.fixture
def alice(cloud):
    """alice(policy of hers) -> her KMS."""
    iam = connect(cloud, "iam")

    def made(*statements):
        iam.create_user(UserName="alice")
        if statements:
            iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName="alice")["AccessKey"]
        return cloud.transport.client("kms", "us-east-1", key["AccessKeyId"], key["SecretAccessKey"], None)

    return made


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action="kms:*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": "*"} | more


def denied(refused, use):
    with refused() as said:
        use()
    assert said.code == "AccessDeniedException", said.message
    return said.message


def test_the_default_policy_leaves_it_to_the_callers_own(kms, key, alice, refused):
    her = alice(allow("kms:Encrypt"))

    assert her.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["KeyId"] == key["Arn"]
    message = denied(refused, lambda: her.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256"))
    assert message.startswith(
        f"User: {ALICE} is not authorized to perform: kms:GenerateDataKey on resource: {key['Arn']}"
    )


def test_without_the_key_policys_leave_an_identity_policy_counts_nothing(kms, alice, refused):
    own = policy(allow(Principal={"AWS": "arn:aws:iam::000000000000:role/Administrator"}))
    key = kms.create_key(Policy=own, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]

    denied(refused, lambda: alice(allow()).encrypt(KeyId=key["KeyId"], Plaintext=b"x"))


def test_a_key_policy_that_names_the_caller_is_enough(kms, alice, refused):
    her = alice()
    key = kms.create_key(Policy=policy(allow(Principal=ROOT), allow("kms:Encrypt", Principal={"AWS": ALICE})))
    key = key["KeyMetadata"]["KeyId"]

    her.encrypt(KeyId=key, Plaintext=b"x")
    denied(refused, lambda: her.describe_key(KeyId=key))


def test_a_grant_allows_what_no_policy_does_until_it_is_revoked(kms, key, alice, refused):
    her = alice()
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"a": "1"})["CiphertextBlob"]
    grant = kms.create_grant(
        KeyId=key["KeyId"], GranteePrincipal=ALICE, Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": {"a": "1"}},
    )  # fmt: skip

    assert her.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "1"})["Plaintext"] == b"x"
    denied(refused, lambda: her.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "2"}))
    denied(refused, lambda: her.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"a": "1"}))
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=grant["GrantId"])
    denied(refused, lambda: her.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "1"}))


def test_a_deny_counts_more_than_a_grant(kms, key, alice, refused):
    her = alice({"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"})
    kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=ALICE, Operations=["Encrypt"])

    assert "explicit deny" in denied(refused, lambda: her.encrypt(KeyId=key["KeyId"], Plaintext=b"x"))


def test_conditions_on_context_alias_and_spec_hold(kms, key, alice, refused):
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    her = alice(
        allow("kms:Encrypt", Condition={"StringEquals": {"kms:EncryptionContext:tenant": "a"}}),
        allow("kms:DescribeKey", Condition={"StringEquals": {"kms:RequestAlias": "alias/mine"}}),
        allow("kms:GetKeyPolicy", Condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/mine"}}),
        allow("kms:CreateKey", Condition={"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}),
    )

    her.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"tenant": "a"})
    denied(refused, lambda: her.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"tenant": "b"}))
    denied(refused, lambda: her.encrypt(KeyId=key["KeyId"], Plaintext=b"x"))
    her.describe_key(KeyId="alias/mine")
    denied(refused, lambda: her.describe_key(KeyId=key["KeyId"]))
    her.get_key_policy(KeyId=key["KeyId"])
    her.create_key()
    denied(refused, lambda: her.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"))


@pytest.mark.parametrize("name", ["aws:s3:arn", "a/b:c/d", "tenant:"])
def test_the_name_of_a_context_pair_may_hold_the_signs_that_part_keys(kms, key, alice, refused, name):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context"""
    her = alice(allow("kms:Encrypt", Condition={"StringLike": {f"kms:EncryptionContext:{name}": "arn:aws:s3:::box/*"}}))

    her.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={name: "arn:aws:s3:::box/a"})
    denied(refused, lambda: her.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={name: "other"}))


def test_an_aws_managed_key_is_used_only_through_its_service(kms, alice, refused):
    her = alice(allow())

    denied(refused, lambda: her.generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256"))
    assert her.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyManager"] == "AWS"
    denied(refused, lambda: kms.generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256"))


def test_an_alias_needs_leave_on_both_the_alias_and_the_key(kms, key, alice, refused):
    on_alias = "arn:aws:kms:*:*:alias/hers"
    her = alice(allow("kms:*Alias", Resource=[on_alias]), allow("kms:ListAliases"))

    denied(refused, lambda: her.create_alias(AliasName="alias/hers", TargetKeyId=key["KeyId"]))
    kms.put_key_policy(
        KeyId=key["KeyId"], Policy=policy(allow(Principal=ROOT), allow("kms:CreateAlias", Principal={"AWS": ALICE}))
    )
    her.create_alias(AliasName="alias/hers", TargetKeyId=key["KeyId"])
    assert [one["AliasName"] for one in her.list_aliases()["Aliases"]] == ["alias/hers"]


def test_who_is_named_by_a_grant_may_retire_it(kms, key, alice, refused):
    her = alice()
    given = {"KeyId": key["KeyId"], "GranteePrincipal": ALICE, "Operations": ["Decrypt"]}
    hers = kms.create_grant(RetiringPrincipal=ALICE, **given)["GrantToken"]
    not_hers = kms.create_grant(**given)["GrantToken"]

    her.retire_grant(GrantToken=hers)
    denied(refused, lambda: her.retire_grant(GrantToken=not_hers))
    assert len(kms.list_grants(KeyId=key["KeyId"])["Grants"]) == 1
