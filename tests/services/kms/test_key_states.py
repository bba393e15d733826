"""What may be done with an AWS managed key, and with a key of each state."""

import pytest
from conftest import connect_through


def test_an_aws_managed_key_is_made_when_it_is_first_used(kms, cloud, refused):
    """Only through its service: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk"""
    assert kms.list_aliases()["Aliases"] == []
    with refused() as said:
        kms.generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256")
    assert said.code == "AccessDeniedException"
    kms = connect_through(cloud, "kms", "s3")
    made = kms.generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256")
    key = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]

    assert made["KeyId"] == key["Arn"] and key["KeyManager"] == "AWS"
    assert kms.generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256")["KeyId"] == key["Arn"]
    (alias,) = kms.list_aliases()["Aliases"]
    assert (alias["AliasName"], alias["TargetKeyId"]) == ("alias/aws/s3", key["KeyId"])
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["RotationPeriodInDays"] == 365
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]


def test_an_aws_managed_key_of_a_service_there_is_not_is_not_made(kms, refused):
    with refused() as said:
        kms.describe_key(KeyId="alias/aws/never")
    assert said.code == "NotFoundException"


@pytest.mark.parametrize(
    "operation, given",
    [
        ("schedule_key_deletion", {}),
        ("put_key_policy", {"Policy": "{}"}),
        ("disable_key", {}),
        ("disable_key_rotation", {}),
        ("rotate_key_on_demand", {}),
        ("update_key_description", {"Description": ""}),
        ("tag_resource", {"Tags": [{"TagKey": "a", "TagValue": ""}]}),
    ],
)
def test_nobody_changes_an_aws_managed_key(kms, refused, operation, given):
    key = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyId"]

    with refused() as said:
        getattr(kms, operation)(KeyId=key, **given)
    assert said.code == "AccessDeniedException"
    assert said.message.endswith("because no resource-based policy allows the kms:" + _spelt(operation) + " action")


def _spelt(operation):
    return "".join(part.capitalize() for part in operation.split("_"))


# states, https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html


OK = None
DISABLED, DOOMED, EMPTY = "is disabled.", "is pending deletion.", "is pending import."
STATES = [  # operation, what it is given, and how it ends on a key that is disabled, pending deletion, pending import
    ("create_grant", {"GranteePrincipal": "arn:aws:iam::000000000000:root", "Operations": ["Decrypt"]},
     DISABLED, DOOMED, EMPTY),
    ("create_alias", {"AliasName": "alias/new"}, OK, DOOMED, OK),
    ("describe_key", {}, OK, OK, OK),
    ("disable_key", {}, OK, DOOMED, EMPTY),
    ("enable_key", {}, OK, DOOMED, EMPTY),
    ("encrypt", {"Plaintext": b"x"}, DISABLED, DOOMED, EMPTY),
    ("generate_data_key", {"KeySpec": "AES_256"}, DISABLED, DOOMED, EMPTY),
    ("generate_data_key_pair", {"KeyPairSpec": "ECC_NIST_P256"}, DISABLED, DOOMED, EMPTY),
    ("get_key_policy", {}, OK, OK, OK),
    ("get_key_rotation_status", {}, OK, OK, OK),
    ("list_grants", {}, OK, OK, OK),
    ("list_key_rotations", {}, OK, OK, OK),
    ("list_resource_tags", {}, OK, OK, OK),
    ("enable_key_rotation", {}, DISABLED, DOOMED, EMPTY),
    ("rotate_key_on_demand", {}, DISABLED, DOOMED, EMPTY),
    ("schedule_key_deletion", {}, OK, DOOMED, OK),
    ("tag_resource", {"Tags": []}, OK, DOOMED, OK),
    ("untag_resource", {"TagKeys": ["a"]}, OK, DOOMED, OK),
    ("update_key_description", {"Description": ""}, OK, DOOMED, OK),
]  # fmt: skip
REACHED = {
    "Disabled": lambda kms, key: kms.disable_key(KeyId=key),
    "PendingDeletion": lambda kms, key: kms.schedule_key_deletion(KeyId=key),
    "PendingImport": lambda kms, key: None,
}


@pytest.mark.parametrize("number, state", list(enumerate(REACHED)), ids=list(REACHED))
def test_what_a_keys_state_allows(kms, refused, number, state):
    for operation, request, *endings in STATES:
        key = kms.create_key(Origin="EXTERNAL" if state == "PendingImport" else "AWS_KMS")["KeyMetadata"]
        REACHED[state](kms, key["KeyId"])
        request = request | {"TargetKeyId" if operation == "create_alias" else "KeyId": key["KeyId"]}
        if endings[number] is OK:
            getattr(kms, operation)(**request)
        else:
            with refused() as said:
                getattr(kms, operation)(**request)
            code = "DisabledException" if endings[number] is DISABLED else "KMSInvalidStateException"
            assert (said.code, said.message) == (code, f"{key['Arn']} {endings[number]}"), operation
        if operation == "create_alias" and endings[number] is OK:
            kms.delete_alias(AliasName="alias/new")
