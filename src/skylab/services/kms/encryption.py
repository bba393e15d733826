"""Encrypt, Decrypt, ReEncrypt: with symmetric keys and an encryption context, or with RSA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.kms import ciphertext, states
from skylab.services.kms.ciphertext import Named
from skylab.services.kms.materials import Materials
from skylab.services.kms.names import arn_of, key_in, target
from skylab.services.kms.specs import is_symmetric, require
from skylab.services.kms.using import materials, using
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.kms import *

SYMMETRIC = "SYMMETRIC_DEFAULT"


class Encryption:
    def encrypt(self, call: Call, request: EncryptRequest) -> dict[str, Any]:
        algorithm = request.get("EncryptionAlgorithm", SYMMETRIC)
        with using(call, request, request["KeyId"]) as (tx, key, doc):
            require(doc, "ENCRYPT_DECRYPT", "Encrypt", algorithm)
            context = _context(doc, request.get("EncryptionContext"))
            fits(doc, algorithm, request["Plaintext"])
            states.dry_run(request)
            blob = encrypted(tx, materials(call), key, doc, algorithm, request["Plaintext"], context)
        return {"CiphertextBlob": blob, "KeyId": doc["Arn"], "EncryptionAlgorithm": algorithm}

    def decrypt(self, call: Call, request: DecryptRequest) -> dict[str, Any]:
        states.no_recipient(request)
        algorithm = request.get("EncryptionAlgorithm", SYMMETRIC)
        opened = _open(
            call,
            request,
            "Decrypt",
            algorithm,
            request.get("CiphertextBlob"),
            request.get("KeyId"),
            request.get("EncryptionContext"),
        )
        states.dry_run(request)
        return {
            "KeyId": opened["Arn"],
            "Plaintext": opened["plain"],
            "EncryptionAlgorithm": algorithm,
            "KeyMaterialId": opened["material"],
        }

    def re_encrypt(self, call: Call, request: ReEncryptRequest) -> dict[str, Any]:
        source = request.get("SourceEncryptionAlgorithm", SYMMETRIC)
        algorithm = request.get("DestinationEncryptionAlgorithm", SYMMETRIC)
        blob, key_id = request.get("CiphertextBlob"), request.get("SourceKeyId")
        opened = _open(call, request, "ReEncrypt", source, blob, key_id, request.get("SourceEncryptionContext"))
        with using(call, request, request["DestinationKeyId"]) as (tx, key, doc):
            require(doc, "ENCRYPT_DECRYPT", "ReEncrypt", algorithm)
            context = _context(doc, request.get("DestinationEncryptionContext"))
            fits(doc, algorithm, opened["plain"])
            states.dry_run(request)
            again = encrypted(tx, materials(call), key, doc, algorithm, opened["plain"], context)
        return {
            "CiphertextBlob": again,
            "SourceKeyId": opened["Arn"],
            "KeyId": doc["Arn"],
            "SourceEncryptionAlgorithm": source,
            "DestinationEncryptionAlgorithm": algorithm,
            "SourceKeyMaterialId": opened["material"],
            "DestinationKeyMaterialId": doc.get("CurrentKeyMaterialId"),
        }


def encrypted(
    tx: Transaction, of: Materials, key: Key, doc: dict[str, Any], algorithm: str, plain: bytes, context: Any = None
) -> bytes:
    """By the key's current material."""
    current = doc["_"]["material"]
    if algorithm == SYMMETRIC:
        return ciphertext.seal(of.cipher(tx, key, current), Named(key.account, key.name, current), plain, context)
    sealed: bytes = of.private(tx, key, current).public_key().encrypt(plain, oaep(algorithm))
    return sealed


def oaep(algorithm: str) -> OAEP:
    digest = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    return OAEP(MGF1(digest), digest, None)


def fits(doc: dict[str, Any], algorithm: str, plain: bytes) -> None:
    """OAEP takes two digests and two bytes of the modulus. https://www.rfc-editor.org/rfc/rfc8017#section-7.1.1"""
    if algorithm == SYMMETRIC:
        return
    spec = doc["KeySpec"]
    most = int(spec.removeprefix("RSA_")) // 8 - 2 * (20 if algorithm.endswith("SHA_1") else 32) - 2
    if len(plain) > most:
        raise invalid(f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {most} bytes.")


def _context(doc: dict[str, Any], context: Any) -> Any:
    if context and not is_symmetric(doc):
        raise invalid("EncryptionContext is only supported with symmetric encryption KMS keys.")
    return context


def source(tx: Transaction, call: Call, algorithm: str, blob: bytes | None, key_id: str | None) -> Key:
    """The Key that is to decrypt blob: the one that is named, which must be the one that it was encrypted under."""
    if algorithm != SYMMETRIC or blob is None:
        if key_id is None:
            raise invalid("KeyId is required unless the ciphertext is of a symmetric encryption KMS key.")
        return target(tx, call, key_id)
    said = ciphertext.named(blob)
    key = key_in(call, said.account, said.key_id)
    if key_id is not None and target(tx, call, key_id) != key:
        message = "The key ID in the request does not identify a CMK that can perform this operation."
        raise AwsError("IncorrectKeyException", message)
    if key_id is None and tx.find(key) is None:
        raise AwsError(
            "AccessDeniedException",
            "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you "
            "are not allowed to access.",
        )
    return key


def _open(
    call: Call, request: Any, operation: str, algorithm: str, blob: bytes | None, key_id: str | None, context: Any
) -> dict[str, Any]:
    """What was encrypted ("plain"), by which key ("Arn") and "material". Raises AwsError."""
    if blob is None and not (request.get("DryRun") and "IGNORE_CIPHERTEXT" in request.get("DryRunModifiers", ())):
        raise invalid("CiphertextBlob is required.")
    with call.reading() as tx:
        key = source(tx, call, algorithm, blob, key_id)
    with using(call, request, arn_of(key)) as (tx, key, doc):
        require(doc, "ENCRYPT_DECRYPT", operation, algorithm)
        context = _context(doc, context)
        if blob is None:
            states.dry_run(request)
            return {}
        if algorithm == SYMMETRIC:
            material = ciphertext.named(blob).material_id
            plain = ciphertext.unseal(_cipher(tx, materials(call), key, material), blob, context)
            return {"plain": plain, "Arn": doc["Arn"], "material": material}
        try:
            plain = materials(call).private(tx, key, doc["_"]["material"]).decrypt(blob, oaep(algorithm))
        except ValueError:
            raise ciphertext.damaged() from None
    return {"plain": plain, "Arn": doc["Arn"], "material": None}


def _cipher(tx: Transaction, of: Materials, key: Key, material: str) -> Any:
    try:
        return of.cipher(tx, key, material)
    except AwsError:
        raise ciphertext.damaged() from None  # the key never had such material: the ciphertext is made up
