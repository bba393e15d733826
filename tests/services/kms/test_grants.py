"""Grants. https://docs.aws.amazon.com/kms/latest/developerguide/grants.html"""

import pytest
from services.kms.calling import ALICE, ROLE, ROOT, SESSION, USER

from skylab.services.kms.granting import _covers, allows
from skylab.services.kms.names import key_in


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
