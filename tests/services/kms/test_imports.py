"""Imported key material. https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html"""

import os
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key

from skylab.services.kms.context import canonical

SECRET = bytes(range(32))
FOREVER = "KEY_MATERIAL_DOES_NOT_EXPIRE"


@pytest.fixture
def empty(kms):
    return kms.create_key(Origin="EXTERNAL")["KeyMetadata"]


def state(kms, key):
    return kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]


def pkcs8(private):
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"]
)
def test_a_ciphertext_of_imported_material_opens_outside_with_it(kms, empty, importing, algorithm):
    """The known answer: whoever has the material needs no KMS."""
    assert (empty["KeyState"], empty["Enabled"], empty["Origin"]) == ("PendingImport", False, "EXTERNAL")
    made = importing(empty["KeyId"], SECRET, algorithm)
    blob = kms.encrypt(KeyId=empty["KeyId"], Plaintext=b"secret", EncryptionContext={"a": "b"})["CiphertextBlob"]
    head, nonce, sealed = blob[:61], blob[61:73], blob[73:]

    assert AESGCM(SECRET).decrypt(nonce, sealed, head + canonical({"a": "b"})) == b"secret"
    key = kms.describe_key(KeyId=empty["KeyId"])["KeyMetadata"]
    assert key["KeyState"] == "Enabled" and key["ExpirationModel"] == FOREVER and "ValidTo" not in key
    assert key["CurrentKeyMaterialId"] == made["KeyMaterialId"] == head[29:].hex()


def test_private_keys_are_imported(kms, importing):
    private = ec.generate_private_key(ec.SECP256R1())
    key = kms.create_key(Origin="EXTERNAL", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    importing(key, pkcs8(private), "RSA_AES_KEY_WRAP_SHA_256")

    assert load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"]) == private.public_key()
    signature = kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    assert kms.verify(KeyId=key, Message=b"m", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"]


@pytest.mark.parametrize(
    "spec, usage, material",
    [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", bytes(31)),
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", bytes(33)),
        ("HMAC_256", "GENERATE_VERIFY_MAC", bytes(31)),
        ("HMAC_256", "GENERATE_VERIFY_MAC", bytes(65)),
        ("ECC_NIST_P256", "SIGN_VERIFY", b"no DER"),
        ("ECC_NIST_P256", "SIGN_VERIFY", pkcs8(ec.generate_private_key(ec.SECP256K1()))),
        ("RSA_3072", "SIGN_VERIFY", pkcs8(rsa.generate_private_key(65537, 2048))),
        ("RSA_2048", "SIGN_VERIFY", pkcs8(ec.generate_private_key(ec.SECP256R1()))),
    ],
)
def test_material_that_does_not_fit_the_key_is_refused(kms, refused, importing, spec, usage, material):
    key = kms.create_key(Origin="EXTERNAL", KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
    with refused() as said:
        importing(key["KeyId"], material, "RSA_AES_KEY_WRAP_SHA_256")
    assert said.code == "IncorrectKeyMaterialException"
    assert state(kms, key) == "PendingImport"


def test_only_keys_of_external_origin_are_imported_into(kms, key, refused):
    with refused() as said:
        kms.get_parameters_for_import(
            KeyId=key["KeyId"], WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
        )
    assert said.code == "UnsupportedOperationException"
    assert said.message == f"{key['Arn']} origin is AWS_KMS which is not valid for this operation."


def test_a_token_is_for_its_key_for_a_day_and_not_to_be_changed(kms, empty, refused, clock, step):
    other = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]
    asked = kms.get_parameters_for_import(
        KeyId=empty["KeyId"], WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    given = {"EncryptedKeyMaterial": b"x" * 256, "ExpirationModel": FOREVER}
    changed = bytearray(asked["ImportToken"])
    changed[40] ^= 1

    assert asked["ParametersValidTo"] == clock.now() + timedelta(hours=24)
    for key, token, code in (
        (other, asked["ImportToken"], "InvalidImportTokenException"),
        (empty, bytes(changed), "InvalidImportTokenException"),
        (empty, asked["ImportToken"], "InvalidCiphertextException"),
    ):
        with refused() as said:
            kms.import_key_material(KeyId=key["KeyId"], ImportToken=token, **given)
        assert said.code == code
    step(hours=25)
    with refused() as said:
        kms.import_key_material(KeyId=empty["KeyId"], ImportToken=asked["ImportToken"], **given)
    assert said.code == "ExpiredImportTokenException"


@pytest.mark.parametrize("algorithm, spec", [("RSAES_PKCS1_V1_5", "RSA_2048"), ("SM2PKE", "SM2")])
def test_other_ways_to_wrap_are_refused_by_name(kms, empty, refused, algorithm, spec):
    with refused() as said:
        kms.get_parameters_for_import(KeyId=empty["KeyId"], WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
    assert said.code == "UnsupportedOperationException" and algorithm in said.message


def test_expiry_must_be_said_and_be_ahead(kms, empty, refused, importing, clock):
    for given, message in (
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES"},
         "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"),
        ({"ExpirationModel": None}, "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"),
        ({"ExpirationModel": None, "ValidTo": clock.now()}, "A validTo date must be in the future"),
        ({"ExpirationModel": None, "ValidTo": clock.now() + timedelta(days=366)}, "at most 365 days"),
        ({"ValidTo": clock.now() + timedelta(days=1)}, "must not be set"),
    ):  # fmt: skip
        with refused() as said:
            importing(empty["KeyId"], SECRET, **given)
        assert said.code == "ValidationException" and message in said.message


def test_material_expires_at_its_date_and_may_be_imported_again(kms, empty, refused, importing, clock, step):
    until = clock.now() + timedelta(days=2)
    importing(empty["KeyId"], SECRET, ExpirationModel=None, ValidTo=until)
    blob = kms.encrypt(KeyId=empty["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    assert kms.describe_key(KeyId=empty["KeyId"])["KeyMetadata"]["ValidTo"] == until

    step(days=1)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    step(days=1)
    with refused() as said:
        kms.decrypt(CiphertextBlob=blob)
    assert (said.code, said.message) == ("KMSInvalidStateException", f"{empty['Arn']} is pending import.")
    with refused() as said:
        importing(empty["KeyId"], os.urandom(32))
    assert said.code == "IncorrectKeyMaterialException"
    importing(empty["KeyId"], SECRET)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_later_date_replaces_the_earlier_one(kms, empty, importing, clock, step):
    for days in (2, 5):
        importing(empty["KeyId"], SECRET, ExpirationModel=None, ValidTo=clock.now() + timedelta(days=days))
    step(days=3)
    assert state(kms, empty) == "Enabled"
    step(days=2)
    assert state(kms, empty) == "PendingImport"


def test_deleted_material_is_gone_until_it_is_imported_again(kms, cloud, empty, refused, importing):
    made = importing(empty["KeyId"], SECRET)
    blob = kms.encrypt(KeyId=empty["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    deleted = kms.delete_imported_key_material(KeyId=empty["KeyId"])

    assert deleted == deleted | {"KeyId": empty["Arn"], "KeyMaterialId": made["KeyMaterialId"]}
    assert state(kms, empty) == "PendingImport"
    with cloud.store.reading() as tx:
        (left,) = tx.all("000000000000", "us-east-1", "kms", "material")
    assert "sealed" not in left["_"]
    with refused() as said:
        kms.encrypt(KeyId=empty["KeyId"], Plaintext=b"x")
    assert said.message == f"{empty['Arn']} is pending import."
    importing(empty["KeyId"], SECRET)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_key_rotates_to_new_imports_and_needs_all_it_ever_had(kms, empty, refused, importing):
    first = importing(empty["KeyId"], SECRET)["KeyMaterialId"]
    blob = kms.encrypt(KeyId=empty["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    with refused() as said:
        kms.rotate_key_on_demand(KeyId=empty["KeyId"])
    assert said.message == f"No available key material pending rotation for the key: {empty['Arn']}."
    second = importing(empty["KeyId"], bytes(32), ImportType="NEW_KEY_MATERIAL", KeyMaterialDescription="two")
    with refused() as said:
        importing(empty["KeyId"], b"3" * 32, ImportType="NEW_KEY_MATERIAL")
    assert said.code == "KMSInvalidStateException" and said.message.endswith(
        f"because another key material (id: {second['KeyMaterialId']}) is pending rotation."
    )
    kms.rotate_key_on_demand(KeyId=empty["KeyId"])

    listed = kms.list_key_rotations(KeyId=empty["KeyId"], IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [one["KeyMaterialState"] for one in listed] == ["NON_CURRENT", "CURRENT"]
    assert listed[1]["KeyMaterialDescription"] == "two" and listed[1]["ImportState"] == "IMPORTED"
    assert kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == first
    kms.delete_imported_key_material(KeyId=empty["KeyId"], KeyMaterialId=first)
    assert state(kms, empty) == "PendingImport"
    importing(empty["KeyId"], SECRET, KeyMaterialId=first)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_material_pending_rotation_may_be_given_up(kms, empty, importing):
    importing(empty["KeyId"], SECRET)
    pending = importing(empty["KeyId"], bytes(32), ImportType="NEW_KEY_MATERIAL")["KeyMaterialId"]
    kms.delete_imported_key_material(KeyId=empty["KeyId"], KeyMaterialId=pending)

    assert state(kms, empty) == "Enabled"
    importing(empty["KeyId"], b"3" * 32, ImportType="NEW_KEY_MATERIAL")


def test_a_doomed_key_without_material_waits_for_it_when_saved(kms, empty, importing):
    kms.schedule_key_deletion(KeyId=empty["KeyId"])
    kms.cancel_key_deletion(KeyId=empty["KeyId"])

    assert state(kms, empty) == "PendingImport"
