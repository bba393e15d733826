"""What kinds of keys there are, and which algorithms each offers for which use.

https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
"""

from typing import Any

from skylab.wire.errors import AwsError, invalid

OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
RSA_SIGNATURES = tuple(
    f"RSASSA_{padding}_SHA_{bits}" for padding in ("PKCS1_V1_5", "PSS") for bits in ("256", "384", "512")
)
RSA = {"ENCRYPT_DECRYPT": OAEP, "SIGN_VERIFY": RSA_SIGNATURES}
SPECS: dict[str, dict[str, tuple[str, ...]]] = {
    "SYMMETRIC_DEFAULT": {"ENCRYPT_DECRYPT": ("SYMMETRIC_DEFAULT",)},
    "RSA_2048": RSA,
    "RSA_3072": RSA,
    "RSA_4096": RSA,
    "ECC_NIST_P256": {"SIGN_VERIFY": ("ECDSA_SHA_256",), "KEY_AGREEMENT": ("ECDH",)},
    "ECC_NIST_P384": {"SIGN_VERIFY": ("ECDSA_SHA_384",), "KEY_AGREEMENT": ("ECDH",)},
    "ECC_NIST_P521": {"SIGN_VERIFY": ("ECDSA_SHA_512",), "KEY_AGREEMENT": ("ECDH",)},
    "ECC_SECG_P256K1": {"SIGN_VERIFY": ("ECDSA_SHA_256",)},
    "HMAC_224": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_224",)},
    "HMAC_256": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_256",)},
    "HMAC_384": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_384",)},
    "HMAC_512": {"GENERATE_VERIFY_MAC": ("HMAC_SHA_512",)},
}
MEMBERS = {  # of KeyMetadata
    "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
    "SIGN_VERIFY": "SigningAlgorithms",
    "KEY_AGREEMENT": "KeyAgreementAlgorithms",
    "GENERATE_VERIFY_MAC": "MacAlgorithms",
}
PAIRS = tuple(spec for spec in SPECS if spec.startswith(("RSA", "ECC")))
_USES = {  # the operations that each usage allows, which are also those that a grant may allow
    "SYMMETRIC": {
        "Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
    },
    "ENCRYPT_DECRYPT": {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"},
    "SIGN_VERIFY": {"Sign", "Verify", "GetPublicKey"},
    "KEY_AGREEMENT": {"DeriveSharedSecret", "GetPublicKey"},
    "GENERATE_VERIFY_MAC": {"GenerateMac", "VerifyMac"},
}  # fmt: skip


def chosen(request: Any) -> tuple[str, str]:
    """(KeySpec, KeyUsage) of a CreateKey. Raises AwsError for what we do not have, or what does not go together."""
    spec = request.get("KeySpec") or request.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    if request.get("CustomerMasterKeySpec") not in (None, spec):
        raise invalid("KeySpec and CustomerMasterKeySpec cannot differ.")
    if spec not in SPECS:
        raise AwsError("UnsupportedOperationException", f"KeySpec {spec} is not supported here.")
    usage = request.get("KeyUsage")
    if usage is None:
        if spec != "SYMMETRIC_DEFAULT":
            raise invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
        usage = "ENCRYPT_DECRYPT"
    if usage not in SPECS[spec]:
        raise invalid(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    return spec, usage


def is_symmetric(doc: dict[str, Any]) -> bool:
    return bool(doc["KeySpec"] == "SYMMETRIC_DEFAULT")


def operations(doc: dict[str, Any]) -> set[str]:
    """The cryptographic operations that a key can be used in, by the names that grants have for them."""
    return _USES["SYMMETRIC" if is_symmetric(doc) else doc["KeyUsage"]]


def require(doc: dict[str, Any], usage: str, operation: str, algorithm: str | None = None) -> None:
    """Raises InvalidKeyUsageException unless the key is for this use, and offers the algorithm."""
    if doc["KeyUsage"] != usage:
        message = f"{doc['Arn']} key usage is {doc['KeyUsage']} which is not valid for {operation}."
        raise AwsError("InvalidKeyUsageException", message)
    if algorithm is not None and algorithm not in SPECS[doc["KeySpec"]][usage]:
        message = f"Algorithm {algorithm} is incompatible with key spec {doc['KeySpec']}."
        raise AwsError("InvalidKeyUsageException", message)
