"""The key pair that wraps material on its way to us, and the token that carries its private half, sealed, for a day.

https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html
"""

import base64
import json
from datetime import timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

from skylab.kernel.vault import Tampered
from skylab.services.call import Call
from skylab.services.kms.encryption import oaep
from skylab.services.kms.materials import CURVES, generate, load_private, pkcs8, spki
from skylab.wire.errors import AwsError

LIFE = timedelta(hours=24)
WRAPPINGS = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256")
HMAC_LENGTHS = {"HMAC_224": (28, 64), "HMAC_256": (32, 64), "HMAC_384": (48, 128), "HMAC_512": (64, 128)}
_ABOUT = b"kms import token"


def issue(call: Call, arn: str, algorithm: str, spec: str) -> dict[str, Any]:
    """GetParametersForImport's answer, but for the KeyId."""
    if algorithm not in WRAPPINGS or not spec.startswith("RSA"):
        message = f"Wrapping algorithm {algorithm} with wrapping key spec {spec} is not supported here."
        raise AwsError("UnsupportedOperationException", message)
    pair, until = generate(spec), call.now + LIFE
    said = {"arn": arn, "algorithm": algorithm, "until": until.timestamp(), "pair": base64.b64encode(pair).decode()}
    return {
        "ImportToken": call.part["materials"].vault.seal(json.dumps(said).encode(), _ABOUT),
        "PublicKey": spki(load_private(pair)),
        "ParametersValidTo": until,
    }


def unwrap(call: Call, doc: dict[str, Any], token: bytes, wrapped: bytes) -> bytes:
    """The material in the clear, in the form that a key of this spec is kept in. Raises AwsError."""
    try:
        said = json.loads(call.part["materials"].vault.unseal(token, _ABOUT))
    except Tampered:
        raise AwsError("InvalidImportTokenException", "The import token is invalid.") from None
    if said["arn"] != doc["Arn"]:
        raise AwsError("InvalidImportTokenException", "The import token is for a different KMS key.")
    if said["until"] <= call.now.timestamp():
        raise AwsError("ExpiredImportTokenException", "The import token has expired.")
    try:
        plain = _decrypted(load_private(base64.b64decode(said["pair"])), said["algorithm"], wrapped)
    except (ValueError, InvalidUnwrap):
        raise AwsError("InvalidCiphertextException", "") from None
    return checked(doc["KeySpec"], plain)


def _decrypted(private: rsa.RSAPrivateKey, algorithm: str, wrapped: bytes) -> bytes:
    if algorithm.startswith("RSAES"):
        return private.decrypt(wrapped, oaep(algorithm))
    size = private.key_size // 8
    return aes_key_unwrap_with_padding(private.decrypt(wrapped[:size], oaep(algorithm)), wrapped[size:])


def checked(spec: str, plain: bytes) -> bytes:
    """Raises IncorrectKeyMaterialException for what is no material of such a key."""
    if spec == "SYMMETRIC_DEFAULT" and len(plain) == 32:
        return plain
    if spec in HMAC_LENGTHS and HMAC_LENGTHS[spec][0] <= len(plain) <= HMAC_LENGTHS[spec][1]:
        return plain
    if spec.startswith(("RSA", "ECC")):
        try:
            private = load_private(plain)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if spec in CURVES and isinstance(private, ec.EllipticCurvePrivateKey):
            if private.curve.name == CURVES[spec].name:
                return pkcs8(private)
        if spec.startswith("RSA") and isinstance(private, rsa.RSAPrivateKey):
            if private.key_size == int(spec.removeprefix("RSA_")):
                return pkcs8(private)
    raise AwsError("IncorrectKeyMaterialException", f"The key material is not valid for key spec {spec}.")
