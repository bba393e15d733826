"""Keys: made, described, listed, tagged, named."""

import pytest
from conftest import connect
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
SPECS = [
    ("RSA_2048", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
    ("ECC_NIST_P256", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_256"]),
    ("ECC_NIST_P384", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_384"]),
    ("ECC_NIST_P521", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_512"]),
    ("ECC_SECG_P256K1", "SIGN_VERIFY", "SigningAlgorithms", ["ECDSA_SHA_256"]),
    ("ECC_NIST_P256", "KEY_AGREEMENT", "KeyAgreementAlgorithms", ["ECDH"]),
    ("HMAC_224", "GENERATE_VERIFY_MAC", "MacAlgorithms", ["HMAC_SHA_224"]),
    ("HMAC_512", "GENERATE_VERIFY_MAC", "MacAlgorithms", ["HMAC_SHA_512"]),
]


def test_a_key_is_by_default_symmetric_and_enabled(kms, key):
    """The members that AWS shows of such a key, and no others."""
    assert key == {
        "AWSAccountId": "000000000000",
        "KeyId": key["KeyId"],
        "Arn": f"arn:aws:kms:us-east-1:000000000000:key/{key['KeyId']}",
        "CreationDate": key["CreationDate"],
        "Enabled": True,
        "Description": "",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
        "CurrentKeyMaterialId": key["CurrentKeyMaterialId"],
    }
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] == key


@pytest.mark.parametrize("spec, usage, member, algorithms", SPECS)
def test_a_key_says_what_it_is_good_for(kms, spec, usage, member, algorithms):
    made = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]

    assert made[member] == algorithms and made["KeySpec"] == made["CustomerMasterKeySpec"] == spec
    assert "CurrentKeyMaterialId" not in made


@pytest.mark.parametrize(
    "given, code, message",
    [
        ({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException", "SM2"),
        ({"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY"}, "UnsupportedOperationException", "ML_DSA_44"),
        ({"MultiRegion": True}, "UnsupportedOperationException", "Multi-Region"),
        ({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks"}, "UnsupportedOperationException", "Custom key"),
        ({"KeySpec": "RSA_2048"}, "ValidationException", "You must specify a KeyUsage value for all KMS keys except "
         "for symmetric encryption keys."),
        ({"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"}, "ValidationException",
         "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"),
        ({"KeySpec": "ECC_SECG_P256K1", "KeyUsage": "KEY_AGREEMENT"}, "ValidationException", "not compatible"),
        ({"KeyUsage": "GENERATE_VERIFY_MAC"}, "ValidationException", "not compatible"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_is_refused(kms, refused, given, code, message):
    with refused() as said:
        kms.create_key(**given)
    assert said.code == code and message in said.message
    assert kms.list_keys()["Keys"] == []


def test_a_key_goes_by_its_id_its_arn_its_alias_and_the_aliass_arn(kms, key):
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    (alias,) = kms.list_aliases(KeyId=key["KeyId"])["Aliases"]

    for name in (key["KeyId"], key["Arn"], "alias/mine", alias["AliasArn"]):
        assert kms.describe_key(KeyId=name)["KeyMetadata"]["KeyId"] == key["KeyId"]
        assert kms.encrypt(KeyId=name, Plaintext=b"x")["KeyId"] == key["Arn"]


@pytest.mark.parametrize(
    "name, code, message",
    [
        ("fake-key-id", "NotFoundException", "Invalid keyId 'fake-key-id'"),
        ("134f2428cec14b25a1ae9048164dba47", "NotFoundException", "Invalid keyId '134f2428cec14b25a1ae9048164dba47'"),
        ("mrk-fake-key-id", "NotFoundException", "Invalid keyId 'mrk-fake-key-id'"),
        (
            "00000000-0000-4000-8000-000000000000",
            "NotFoundException",
            "Key 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000' does not exist",
        ),
        (
            "arn:aws:kms:eu-west-1:000000000000:key/00000000-0000-4000-8000-000000000000",
            "NotFoundException",
            "Invalid arn eu-west-1",
        ),
        ("alias/none", "NotFoundException", "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found."),
        ("arn:aws:s3:::box", "InvalidArnException", "Invalid arn arn:aws:s3:::box"),
    ],
)
def test_a_name_of_no_key_is_refused_in_awss_words(kms, refused, name, code, message):
    with refused() as said:
        kms.describe_key(KeyId=name)
    assert (said.code, said.message) == (code, message)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_any_text_as_a_name_is_refused_and_never_a_failure(kms, refused, name):
    for text in (name, f"arn:aws:kms:us-east-1:{name}", f"alias/{name}", f"arn:aws:kms:us-east-1:0:key/{name}"):
        with refused() as said:
            kms.describe_key(KeyId=text)
        assert said.code in ("NotFoundException", "InvalidArnException", "ValidationException")


def test_keys_of_another_region_are_other_keys(cloud, kms, key, refused):
    with refused() as said:
        connect(cloud, "kms", "eu-west-1").describe_key(KeyId=key["KeyId"])
    assert said.code == "NotFoundException"


def test_keys_are_listed_in_pages(kms):
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)}
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))

    assert [len(page["Keys"]) for page in pages] == [2, 2, 1]
    assert {one["KeyId"] for page in pages for one in page["Keys"]} == made
    assert "NextMarker" not in pages[-1] and not pages[-1]["Truncated"]


@pytest.mark.parametrize("marker", ["x", "%%%", "w6"])
def test_a_marker_that_we_did_not_give_is_refused(kms, refused, marker):
    with refused() as said:
        kms.list_keys(Marker=marker)
    assert said.code == "InvalidMarkerException"


def test_a_description_is_changed(kms, key):
    kms.update_key_description(KeyId=key["KeyId"], Description="for the ledger")

    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Description"] == "for the ledger"


def test_tags_are_added_changed_and_taken_away(kms):
    key = kms.create_key(Tags=[{"TagKey": "a", "TagValue": "1"}])["KeyMetadata"]["KeyId"]
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "2"}, {"TagKey": "b", "TagValue": ""}])
    kms.untag_resource(KeyId=key, TagKeys=["a", "never"])

    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "b", "TagValue": ""}]


@pytest.mark.parametrize(
    "tags, message",
    [
        (["a", "a"], "Duplicate tag keys"),
        (["AWS:x"], "Tags beginning with aws: are reserved"),
        ([str(n) for n in range(51)], "Too many tags"),
    ],
)
def test_tags_that_cannot_be_are_refused(kms, key, refused, tags, message):
    for use in (kms.create_key, lambda Tags: kms.tag_resource(KeyId=key["KeyId"], Tags=Tags)):
        with refused() as said:
            use(Tags=[{"TagKey": tag, "TagValue": ""} for tag in tags])
        assert (said.code, said.message) == ("TagException", message)


def test_an_alias_moves_to_another_key_of_its_kind(kms, key, refused):
    other = kms.create_key()["KeyMetadata"]
    sign = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    kms.update_alias(AliasName="alias/mine", TargetKeyId=other["Arn"])

    assert kms.describe_key(KeyId="alias/mine")["KeyMetadata"]["KeyId"] == other["KeyId"]
    with refused() as said:
        kms.update_alias(AliasName="alias/mine", TargetKeyId=sign["KeyId"])
    assert said.code == "ValidationException"
    kms.delete_alias(AliasName="alias/mine")
    assert kms.list_aliases()["Aliases"] == []


@pytest.mark.parametrize(
    "name, code",
    [
        ("mine", "ValidationException"),
        ("alias/aws/mine", "InvalidAliasNameException"),
        ("alias/", "InvalidAliasNameException"),
        ("alias/a/", "InvalidAliasNameException"),
        ("alias/taken", "AlreadyExistsException"),
    ],
)
def test_an_alias_that_cannot_be_is_refused(kms, key, refused, name, code):
    kms.create_alias(AliasName="alias/taken", TargetKeyId=key["KeyId"])

    with refused() as said:
        kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    assert said.code == code


@pytest.mark.parametrize("operation", ["update_alias", "delete_alias"])
def test_an_alias_that_is_not_there_is_refused(kms, key, refused, operation):
    given = {"TargetKeyId": key["KeyId"]} if operation == "update_alias" else {}
    with refused() as said:
        getattr(kms, operation)(AliasName="alias/none", **given)
    assert said.code == "NotFoundException"
    assert said.message == "Alias arn:aws:kms:us-east-1:000000000000:alias/none is not found."


def test_operations_on_the_key_itself_take_no_alias(kms, key, refused):
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])

    with refused() as said:
        kms.disable_key(KeyId="alias/mine")
    assert (said.code, said.message) == ("NotFoundException", "Invalid keyId 'alias/mine'")
