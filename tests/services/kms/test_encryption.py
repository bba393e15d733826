"""Encrypt, Decrypt, ReEncrypt, data keys. Wording as recorded from AWS, or as its developer guide has it."""

import base64
import uuid

import pytest
from conftest import connect
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skylab.services.kms.context import canonical

CONTEXT = {"aws:s3:arn": "arn:aws:s3:::box/key", "tenant": "ä"}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
contexts = st.dictionaries(texts, texts, max_size=5)


def test_what_is_encrypted_is_decrypted_without_naming_the_key(kms, key):
    made = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext=CONTEXT)
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=dict(reversed(CONTEXT.items())))

    assert opened["Plaintext"] == b"secret"
    assert opened["KeyId"] == made["KeyId"] == key["Arn"]
    assert opened["EncryptionAlgorithm"] == made["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert opened["KeyMaterialId"] == key["CurrentKeyMaterialId"]
    assert b"secret" not in made["CiphertextBlob"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=4096), contexts)
def test_any_plaintext_and_context_come_back(kms, key, plain, context):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=plain, EncryptionContext=context)["CiphertextBlob"]

    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == plain


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_is_refused(kms, key, refused, data):
    """A changed version, account, key or material is no ciphertext either; of another key's id AWS says no more."""
    blob = bytearray(kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext=CONTEXT)["CiphertextBlob"])
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))

    with refused() as said:
        kms.decrypt(CiphertextBlob=bytes(blob), EncryptionContext=CONTEXT)
    assert said.code in ("InvalidCiphertextException", "AccessDeniedException")


@given(contexts, contexts)
def test_no_two_contexts_are_the_same_bytes(one, other):
    assert (canonical(one) == canonical(other)) == (one == other)


@pytest.mark.parametrize(
    "context", [None, {}, {"tenant": "ä"}, CONTEXT | {"more": "x"}, {**CONTEXT, "tenant": "Ä"}, {"ä": "tenant"}]
)
def test_another_context_is_refused_without_a_word(kms, key, refused, context):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext=CONTEXT)["CiphertextBlob"]

    with refused() as said:
        kms.decrypt(CiphertextBlob=blob, **({} if context is None else {"EncryptionContext": context}))
    assert (said.code, said.message) == ("InvalidCiphertextException", "")


@pytest.mark.parametrize("blob", [b"x", b"\x01" * 89, b"\x01" + b"0" * 200, bytes(6144)])
def test_what_is_no_ciphertext_of_ours_is_refused(kms, refused, blob):
    with refused() as said:
        kms.decrypt(CiphertextBlob=blob)
    assert said.code in ("InvalidCiphertextException", "AccessDeniedException")


def test_a_ciphertext_of_another_key_than_the_one_named_is_refused(kms, key, refused):
    other = kms.create_key()["KeyMetadata"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret")["CiphertextBlob"]

    with refused() as said:
        kms.decrypt(CiphertextBlob=blob, KeyId=other["Arn"])
    assert said.code == "IncorrectKeyException"
    assert said.message == "The key ID in the request does not identify a CMK that can perform this operation."


def test_a_ciphertext_of_another_region_is_refused(cloud, kms, key, refused):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret")["CiphertextBlob"]

    with refused() as said:
        connect(cloud, "kms", "eu-west-1").decrypt(CiphertextBlob=blob)
    assert said.code == "AccessDeniedException"
    assert said.message.startswith("The ciphertext refers to a customer master key that does not exist")


def test_the_material_of_another_key_does_not_open_what_says_it_is_its_own(kms, key, refused):
    """The name of the key in a ciphertext is authenticated."""
    other = kms.create_key()["KeyMetadata"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret")["CiphertextBlob"]
    forged = blob[:13] + uuid.UUID(other["KeyId"]).bytes + blob[29:]

    with refused() as said:
        kms.decrypt(CiphertextBlob=forged)
    assert said.code == "InvalidCiphertextException"


def test_more_than_4096_bytes_are_refused(kms, key, refused):
    kms.encrypt(KeyId=key["KeyId"], Plaintext=bytes(4096))

    with refused() as said:
        kms.encrypt(KeyId=key["KeyId"], Plaintext=bytes(4097))
    assert said.code == "ValidationException"
    assert said.message == (
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
        "Member must have length less than or equal to 4096"
    )


def test_a_disabled_key_neither_encrypts_nor_decrypts_until_it_is_enabled(kms, key, refused):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret")["CiphertextBlob"]
    kms.disable_key(KeyId=key["KeyId"])

    for use in (
        lambda: kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256"),
        lambda: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key["KeyId"]),
    ):
        with refused() as said:
            use()
        assert (said.code, said.message) == ("DisabledException", f"{key['Arn']} is disabled.")

    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"secret"


def test_re_encryption_moves_to_another_key_and_context(kms, key, refused):
    other = kms.create_key()["KeyMetadata"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext={"a": "1"})["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext={"a": "1"},
        DestinationKeyId=other["KeyId"], DestinationEncryptionContext={"b": "2"},
    )  # fmt: skip

    assert (moved["SourceKeyId"], moved["KeyId"]) == (key["Arn"], other["Arn"])
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"b": "2"})["Plaintext"] == b"secret"
    with refused() as said:
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other["KeyId"])
    assert said.code == "InvalidCiphertextException"


@pytest.mark.parametrize(
    "given, length", [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1024}, 1024)]
)
def test_a_data_key_is_what_its_ciphertext_opens_to(kms, key, given, length):
    made = kms.generate_data_key(KeyId=key["KeyId"], EncryptionContext=CONTEXT, **given)
    silent = kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], EncryptionContext=CONTEXT, **given)

    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["Plaintext"] and len(made["Plaintext"]) == length
    assert "Plaintext" not in silent
    silently = kms.decrypt(CiphertextBlob=silent["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"]
    assert len(silently) == length and silently != made["Plaintext"]
    AESGCM(made["Plaintext"][:16]).encrypt(bytes(12), b"", None)


@pytest.mark.parametrize("given", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}])
def test_a_data_key_needs_one_way_to_say_its_length(kms, key, refused, given):
    with refused() as said:
        kms.generate_data_key(KeyId=key["KeyId"], **given)
    assert (said.code, said.message) == (
        "ValidationException", "Please specify either number of bytes or key spec."
    )  # fmt: skip


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"])
def test_a_data_key_pair_is_a_pair(kms, key, spec):
    made = kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec=spec, EncryptionContext=CONTEXT)
    private = load_der_private_key(made["PrivateKeyPlaintext"], None)

    assert private.public_key() == load_der_public_key(made["PublicKey"])
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]
    silent = kms.generate_data_key_pair_without_plaintext(KeyId=key["KeyId"], KeyPairSpec=spec)
    assert "PrivateKeyPlaintext" not in silent and silent["PublicKey"] != made["PublicKey"]


def test_random_bytes_are_as_many_as_asked_for(kms, refused):
    assert len(kms.generate_random(NumberOfBytes=1024)["Plaintext"]) == 1024
    with refused() as said:
        kms.generate_random()
    assert (said.code, said.message) == ("ValidationException", "NumberOfBytes is required.")


@pytest.mark.parametrize(
    "algorithm, digest, most",
    [("RSAES_OAEP_SHA_1", hashes.SHA1(), 214), ("RSAES_OAEP_SHA_256", hashes.SHA256(), 190)],
)
def test_rsa_decrypts_what_was_encrypted_outside_by_its_public_key(kms, refused, algorithm, digest, most):
    key = kms.create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]
    public = load_der_public_key(kms.get_public_key(KeyId=key["KeyId"])["PublicKey"])
    blob = public.encrypt(b"secret", OAEP(MGF1(digest), digest, None))
    within = kms.encrypt(KeyId=key["KeyId"], Plaintext=bytes(most), EncryptionAlgorithm=algorithm)["CiphertextBlob"]

    for sealed, plain in ((blob, b"secret"), (within, bytes(most))):
        opened = kms.decrypt(KeyId=key["KeyId"], CiphertextBlob=sealed, EncryptionAlgorithm=algorithm)
        assert opened["Plaintext"] == plain and "KeyMaterialId" not in opened
    with refused() as said:
        kms.decrypt(KeyId=key["KeyId"], CiphertextBlob=blob[:-1] + b"x", EncryptionAlgorithm=algorithm)
    assert said.code == "InvalidCiphertextException"
    with refused() as said:
        kms.encrypt(KeyId=key["KeyId"], Plaintext=bytes(most + 1), EncryptionAlgorithm=algorithm)
    assert said.message == f"Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {most} bytes."


def test_an_algorithm_that_the_key_has_not_is_refused(kms, key, refused):
    with refused() as said:
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert said.code == "InvalidKeyUsageException"
    assert said.message == "Algorithm RSAES_OAEP_SHA_256 is incompatible with key spec SYMMETRIC_DEFAULT."


def test_a_dry_run_does_nothing_and_says_that_it_would_have_worked(kms, key, refused):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    for use in (
        lambda: kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", DryRun=True),
        lambda: kms.decrypt(CiphertextBlob=blob, DryRun=True),
        lambda: kms.decrypt(KeyId=key["KeyId"], DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"]),
        lambda: kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key["KeyId"], DryRun=True),
        lambda: kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256", DryRun=True),
        lambda: kms.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec="RSA_2048", DryRun=True),
    ):
        with refused() as said:
            use()
        assert said.code == "DryRunOperationException"
        assert said.message == "The request would have succeeded, but the DryRun option is set."
    with refused() as said:
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"}, DryRun=True)
    assert said.code == "InvalidCiphertextException"


def test_an_enclaves_recipient_is_refused_rather_than_ignored(kms, key, refused):
    recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b"x"}
    with refused() as said:
        kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256", Recipient=recipient)
    assert said.code == "UnsupportedOperationException"


def test_the_form_of_a_ciphertext_is_this_one(kms, key):
    """What is written once must open for ever: a change of the form needs another version byte."""
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret")["CiphertextBlob"]

    head = b"\x01" + b"000000000000" + uuid.UUID(key["KeyId"]).bytes + bytes.fromhex(key["CurrentKeyMaterialId"])
    assert blob.startswith(head) and len(blob) == len(head) + 12 + len(b"secret") + 16
    assert base64.b64encode(blob)[:6] == b"ATAwMD"
