"""Signatures, MACs, shared secrets: proved by other code than ours, and by known answers."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
RSA = [f"RSASSA_{padding}_SHA_{bits}" for padding in ("PSS", "PKCS1_V1_5") for bits in HASHES]
ECDSA = [
    ("ECC_NIST_P256", "ECDSA_SHA_256"),
    ("ECC_NIST_P384", "ECDSA_SHA_384"),
    ("ECC_NIST_P521", "ECDSA_SHA_512"),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
]


@pytest.fixture
def signer(kms):
    return lambda spec: kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]


def proved(public, signature, message, algorithm):
    """Raises unless the signature holds: with the public key alone, outside KMS."""
    digest = HASHES[algorithm[-3:]]
    if algorithm.startswith("ECDSA"):
        return public.verify(signature, message, ec.ECDSA(digest))
    padding = PSS(MGF1(digest), digest.digest_size) if "PSS" in algorithm else PKCS1v15()
    return public.verify(signature, message, padding, digest)


@pytest.mark.parametrize("spec, algorithm", [*(("RSA_2048", name) for name in RSA), *ECDSA])
def test_a_signature_holds_outside_and_inside(kms, signer, refused, spec, algorithm):
    key, message = signer(spec), b"a message"
    by = {"KeyId": key, "SigningAlgorithm": algorithm}
    signature = kms.sign(Message=message, **by)["Signature"]
    digest = hashlib.new(f"sha{algorithm[-3:]}", message).digest()
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])

    proved(public, signature, message, algorithm)
    proved(public, kms.sign(Message=digest, MessageType="DIGEST", **by)["Signature"], message, algorithm)
    assert kms.verify(Message=message, Signature=signature, **by)["SignatureValid"] is True
    assert kms.verify(Message=digest, MessageType="DIGEST", Signature=signature, **by)["SignatureValid"] is True
    for wrong in ({"Message": b"another", "Signature": signature}, {"Message": message, "Signature": b"x" * 64}):
        with refused() as said:
            kms.verify(**wrong, **by)
        assert (said.code, said.message) == ("KMSInvalidSignatureException", "")
    with refused() as said:
        kms.sign(Message=digest + b"x", MessageType="DIGEST", **by)
    assert (said.code, said.message) == (
        "ValidationException", f"Digest is invalid length for algorithm {algorithm}."
    )  # fmt: skip


def test_a_signature_of_another_key_is_refused(kms, signer, refused):
    one, other = signer("ECC_NIST_P256"), signer("ECC_NIST_P256")
    signature = kms.sign(KeyId=one, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]

    with refused() as said:
        kms.verify(KeyId=other, Message=b"m", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")
    assert said.code == "KMSInvalidSignatureException"


@pytest.mark.parametrize(
    "spec, algorithm, message",
    [
        ("ECC_NIST_P256", "ECDSA_SHA_384", "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."),
        ("ECC_NIST_P256", "SM2DSA", "Algorithm SM2DSA is incompatible with key spec ECC_NIST_P256."),
        ("SYMMETRIC_DEFAULT", "ECDSA_SHA_256", "key usage is ENCRYPT_DECRYPT which is not valid for Sign."),
    ],
)
def test_a_key_that_does_not_sign_so_is_refused(kms, key, signer, refused, spec, algorithm, message):
    key = key["KeyId"] if spec == "SYMMETRIC_DEFAULT" else signer(spec)
    with refused() as said:
        kms.sign(KeyId=key, Message=b"m", SigningAlgorithm=algorithm)
    assert said.code == "InvalidKeyUsageException" and said.message.endswith(message)


def test_a_public_key_says_what_it_is_for(kms, key, signer, refused):
    made = kms.get_public_key(KeyId=signer("ECC_NIST_P384"))

    assert made["KeySpec"] == "ECC_NIST_P384" and made["SigningAlgorithms"] == ["ECDSA_SHA_384"]
    assert made["KeyUsage"] == "SIGN_VERIFY" and "EncryptionAlgorithms" not in made
    with refused() as said:
        kms.get_public_key(KeyId=key["KeyId"])
    assert said.code == "UnsupportedOperationException"


@pytest.mark.parametrize("bits", ["224", "256", "384", "512"])
def test_a_mac_is_made_and_proved(kms, refused, bits):
    key = kms.create_key(KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    by = {"KeyId": key, "MacAlgorithm": f"HMAC_SHA_{bits}"}
    mac = kms.generate_mac(Message=b"m", **by)["Mac"]

    assert len(mac) == int(bits) // 8
    assert kms.verify_mac(Message=b"m", Mac=mac, **by)["MacValid"] is True
    for wrong in ({"Message": b"n", "Mac": mac}, {"Message": b"m", "Mac": mac[:-1]}):
        with refused() as said:
            kms.verify_mac(**wrong, **by)
        assert (said.code, said.message) == ("KMSInvalidMacException", "")


def test_a_mac_of_imported_material_is_the_known_answer(kms, importing):
    """The keys of RFC 4231 are shorter or longer than KMS takes them, so the answer is the standard library's."""
    secret = bytes(range(32))
    key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC", Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    importing(key, secret)

    mac = kms.generate_mac(KeyId=key, Message=b"Hi There", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert mac == hmac.digest(secret, b"Hi There", "sha256")


def test_a_mac_algorithm_of_another_length_is_refused(kms, refused):
    key = kms.create_key(KeySpec="HMAC_224", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    with refused() as said:
        kms.generate_mac(KeyId=key, Message=b"m", MacAlgorithm="HMAC_SHA_256")
    assert said.code == "InvalidKeyUsageException"
    assert said.message == "Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224."


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_two_sides_derive_the_same_secret(kms, refused, spec):
    key = kms.create_key(KeySpec=spec, KeyUsage="KEY_AGREEMENT")["KeyMetadata"]["KeyId"]
    ours = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    theirs = ec.generate_private_key(ours.curve)

    def spki(private):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return private.public_key().public_bytes(serialization.Encoding.DER, form)

    derived = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=spki(theirs))
    assert derived["SharedSecret"] == theirs.exchange(ec.ECDH(), ours) and derived["KeyOrigin"] == "AWS_KMS"
    stranger = spki(ec.generate_private_key(ec.SECP256K1()))
    for wrong in (b"x", stranger):
        with refused() as said:
            kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=wrong)
        assert (said.code, said.message) == ("ValidationException", "")
