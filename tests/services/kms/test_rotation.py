"""Rotation: by period and on demand; what was encrypted before still opens."""

import pytest


def rotations(kms, key, **given):
    return kms.list_key_rotations(KeyId=key, **given)["Rotations"]


def test_a_rotated_key_opens_what_its_earlier_material_sealed(kms, key):
    blobs, materials = [], []
    for n in range(4):
        blobs.append(kms.encrypt(KeyId=key["KeyId"], Plaintext=b"%d" % n)["CiphertextBlob"])
        materials.append(kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"])
        assert kms.rotate_key_on_demand(KeyId=key["KeyId"])["KeyId"] == key["KeyId"]

    opened = [kms.decrypt(CiphertextBlob=blob) for blob in blobs]
    assert [one["Plaintext"] for one in opened] == [b"0", b"1", b"2", b"3"]
    assert [one["KeyMaterialId"] for one in opened] == materials and len(set(materials)) == 4


def test_rotations_are_listed_with_their_dates_and_kinds(kms, key, clock):
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    (one,) = rotations(kms, key["KeyId"])
    first, second = rotations(kms, key["KeyId"], IncludeKeyMaterial="ALL_KEY_MATERIAL")

    assert one["RotationType"] == "ON_DEMAND" and one["RotationDate"] == clock.now() and one["KeyId"] == key["KeyId"]
    assert (first["KeyMaterialState"], second["KeyMaterialState"]) == ("NON_CURRENT", "CURRENT")
    assert first["KeyMaterialId"] == key["CurrentKeyMaterialId"] and "RotationDate" not in first
    page = kms.list_key_rotations(KeyId=key["KeyId"], IncludeKeyMaterial="ALL_KEY_MATERIAL", Limit=1)
    rest = kms.list_key_rotations(
        KeyId=key["KeyId"], IncludeKeyMaterial="ALL_KEY_MATERIAL", Limit=1, Marker=page["NextMarker"]
    )
    assert [page["Rotations"], rest["Rotations"]] == [[first], [second]] and not rest["Truncated"]


def test_a_key_rotates_itself_at_the_end_of_each_period(kms, key, step):
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]

    step(days=89)
    assert rotations(kms, key["KeyId"]) == []
    step(days=1)
    step(days=1)
    assert [one["RotationType"] for one in rotations(kms, key["KeyId"])] == ["AUTOMATIC"]
    step(days=90)
    assert len(rotations(kms, key["KeyId"])) == 2
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_the_status_says_the_period_and_the_next_date(kms, key, clock):
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key["KeyId"])
    status = kms.get_key_rotation_status(KeyId=key["KeyId"])

    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 365
    assert (status["NextRotationDate"] - clock.now()).days == 365
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    again = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert again["NextRotationDate"] == status["NextRotationDate"]


def test_a_rotation_that_was_switched_off_does_not_happen_and_can_be_switched_on_again(kms, key, step):
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    kms.disable_key_rotation(KeyId=key["KeyId"])
    step(days=100)
    assert rotations(kms, key["KeyId"]) == []

    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=100)
    step(days=95)
    assert rotations(kms, key["KeyId"]) == []
    step(days=5)
    assert len(rotations(kms, key["KeyId"])) == 1


def test_a_disabled_key_is_rotated_when_it_is_enabled_again(kms, key, step):
    """https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html, "Disabled KMS keys"."""
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    kms.disable_key(KeyId=key["KeyId"])
    step(days=200)
    assert rotations(kms, key["KeyId"]) == []

    kms.enable_key(KeyId=key["KeyId"])
    step(seconds=1)
    assert len(rotations(kms, key["KeyId"])) == 1


def test_an_aws_managed_key_rotates_every_year(kms, step):
    key = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyId"]
    step(days=366)

    assert len(rotations(kms, key)) == 1


def test_a_key_is_rotated_on_demand_25_times(kms, key, refused):
    for _ in range(25):
        kms.rotate_key_on_demand(KeyId=key["KeyId"])
    with refused() as said:
        kms.rotate_key_on_demand(KeyId=key["KeyId"])
    assert said.code == "LimitExceededException"
    assert said.message == (
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be "
        f"performed for this key: {key['Arn']}"
    )


@pytest.mark.parametrize("operation", ["enable_key_rotation", "rotate_key_on_demand", "get_key_rotation_status"])
def test_other_keys_than_symmetric_ones_do_not_rotate(kms, refused, operation):
    key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    with refused() as said:
        getattr(kms, operation)(KeyId=key)
    assert (said.code, said.message) == ("UnsupportedOperationException", "")


def test_imported_keys_do_not_rotate_by_themselves(kms, refused, importing):
    key = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]
    importing(key["KeyId"], bytes(32))
    with refused() as said:
        kms.enable_key_rotation(KeyId=key["KeyId"])
    assert said.code == "UnsupportedOperationException"
    assert said.message == f"{key['Arn']} origin is EXTERNAL which is not valid for this operation."


# deletion


def test_a_key_is_deleted_at_its_date_with_all_that_belongs_to_it(kms, key, cloud, refused, step):
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key["KeyId"])
    root = "arn:aws:iam::000000000000:root"
    kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=root, RetiringPrincipal=root, Operations=["Decrypt"])
    kms.enable_key_rotation(KeyId=key["KeyId"])
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    asked = kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    doomed = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]

    assert asked["KeyId"] == key["Arn"] and asked["PendingWindowInDays"] == 7
    assert asked["KeyState"] == doomed["KeyState"] == "PendingDeletion" and not doomed["Enabled"]
    assert doomed["DeletionDate"] == asked["DeletionDate"]
    step(days=6, hours=23)
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    step(hours=1)
    with refused() as said:
        kms.describe_key(KeyId=key["KeyId"])
    assert (said.code, said.message) == ("NotFoundException", f"Key '{key['Arn']}' does not exist")
    with refused() as said:
        kms.decrypt(CiphertextBlob=blob)
    assert said.code == "AccessDeniedException"
    assert kms.list_aliases()["Aliases"] == [] and kms.list_keys()["Keys"] == []
    assert kms.list_retirable_grants(RetiringPrincipal=root)["Grants"] == []
    with cloud.store.reading() as tx:
        assert list(tx.all("000000000000", "us-east-1", "kms", "material")) == []
        assert [task for task in tx.tasks() if task.kind.startswith("kms")] == []
    materials = next(service.part for service in cloud.services if service.name == "kms")["materials"]
    assert not materials._open  # nor is its material in memory


def test_a_cancelled_deletion_leaves_a_disabled_key(kms, key, step):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key["KeyId"])
    step(days=29)
    assert kms.cancel_key_deletion(KeyId=key["KeyId"])["KeyId"] == key["Arn"]
    step(days=100)

    left = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert left["KeyState"] == "Disabled" and "DeletionDate" not in left
    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_deletion_that_was_cancelled_and_asked_for_again_counts_from_the_second_time(kms, key, step):
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    step(days=5)
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    step(days=3)

    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    step(days=4)
    assert kms.list_keys()["Keys"] == []


@pytest.mark.parametrize("days, bound", [(6, "greater than or equal to 7"), (31, "less than or equal to 30")])
def test_the_waiting_period_is_7_to_30_days(kms, key, refused, days, bound):
    with refused() as said:
        kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=days)
    assert said.code == "ValidationException" and bound in said.message


def test_a_key_that_is_not_doomed_cannot_be_saved(kms, key, refused):
    with refused() as said:
        kms.cancel_key_deletion(KeyId=key["KeyId"])
    assert (said.code, said.message) == ("KMSInvalidStateException", f"{key['Arn']} is not pending deletion.")
