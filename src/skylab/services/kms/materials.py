"""Key material: made, sealed under the root key for the disk, and kept unsealed in memory for use.

The material of a key is a document of its own, "<key id>/<key material id>". What it seals is bound to that name, so
that a document that is moved to another place does not open there.
"""

import base64
import os
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.kernel.vault import Tampered, Vault
from skylab.wire.errors import AwsError

TYPE = "material"
CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_MOST = 10_000  # materials kept unsealed


class Materials:
    """Safe to use from any thread: two that miss the memory at once unseal the same bytes."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._open: dict[tuple[Key, str], Any] = {}

    def add(self, tx: Transaction, key: Key, doc: dict[str, Any], plain: bytes, now: datetime, **members: Any) -> str:
        """Writes new material of a key, and returns its id. Raises Exists."""
        material_id = identify(doc["Arn"], plain)
        number = 1 + max((one["_"]["number"] for one in of_key(tx, key)), default=0)
        tx.create(
            place(key, material_id),
            {
                "KeyId": key.name,
                "KeyMaterialId": material_id,
                "KeyMaterialState": "CURRENT",
                "_": {"sealed": self.sealed(key, material_id, plain), "number": number, "public": public(doc, plain)},
                **members,
            },
            now,
        )
        return material_id

    def sealed(self, key: Key, material_id: str, plain: bytes) -> str:
        return base64.b64encode(self.vault.seal(plain, _about(key, material_id))).decode()

    def cipher(self, tx: Transaction, key: Key, material_id: str) -> AESGCM:
        """Of a symmetric encryption key."""
        return self._opened(tx, key, material_id, AESGCM)

    def secret(self, tx: Transaction, key: Key, material_id: str) -> bytes:
        """Of an HMAC key."""
        return self._opened(tx, key, material_id, bytes)

    def private(self, tx: Transaction, key: Key, material_id: str) -> Any:
        """The PrivateKey of an asymmetric key."""
        return self._opened(tx, key, material_id, load_private)

    def _opened(self, tx: Transaction, key: Key, material_id: str, made: Any) -> Any:
        if (found := self._open.get((key, material_id))) is not None:
            return found
        doc = tx.find(place(key, material_id))
        if doc is None or "sealed" not in doc["_"]:
            raise AwsError("KeyUnavailableException", f"The key material {material_id} is not available.")
        try:
            plain = self.vault.unseal(base64.b64decode(doc["_"]["sealed"]), _about(key, material_id))
        except Tampered:
            raise AwsError("KMSInternalException", "The key material was altered where it is kept.", 500) from None
        if len(self._open) >= _MOST:
            self._open.clear()
        self._open[key, material_id] = opened = made(plain)
        return opened

    def opens(self, found: dict[str, Any]) -> bool:
        """Whether this vault is the one that sealed a material, given as its document, account, region and name."""
        key_id, _, material_id = found["name"].partition("/")
        key = Key(found["account"], found["region"], "kms", "key", key_id)
        try:
            self.vault.unseal(base64.b64decode(found["doc"]["_"]["sealed"]), _about(key, material_id))
        except Tampered:
            return False
        return True

    def forget(self, key: Key) -> None:
        """Of a key that was deleted, or whose material was."""
        for place in [place for place in list(self._open) if place[0] == key]:
            self._open.pop(place, None)


def place(key: Key, material_id: str) -> Key:
    return Key(key.account, key.region, "kms", TYPE, f"{key.name}/{material_id}")


def of_key(tx: Transaction, key: Key) -> list[dict[str, Any]]:
    """All the materials of a key, the oldest first."""
    docs = tx.all(key.account, key.region, "kms", TYPE, f"{key.name}/")
    return sorted(docs, key=lambda doc: doc["_"]["number"])


def all_there(tx: Transaction, key: Key) -> bool:
    """Whether an EXTERNAL key has all it needs: at least one, and every one that it was ever rotated to."""
    needed = [one for one in of_key(tx, key) if one["KeyMaterialState"] != "PENDING_ROTATION"]
    return bool(needed) and all("sealed" in one["_"] for one in needed)


def _about(key: Key, material_id: str) -> bytes:
    return f"kms material {key.account}:{key.region}:{key.name}/{material_id}".encode()


def identify(arn: str, plain: bytes) -> str:
    """AWS's KeyMaterialId, 64 hexadecimal digits: it depends on the key and the material, and tells nothing of it."""
    return HKDF(SHA256(), 32, salt=arn.encode(), info=b"skylab kms material id").derive(plain).hex()


def generate(spec: str) -> bytes:
    """New material: random bytes, or a private key as PKCS #8 DER."""
    if spec == "SYMMETRIC_DEFAULT":
        return os.urandom(32)
    if spec.startswith("HMAC"):
        return os.urandom(int(spec.removeprefix("HMAC_")) // 8)
    if spec.startswith("RSA"):
        return pkcs8(rsa.generate_private_key(65537, int(spec.removeprefix("RSA_"))))
    return pkcs8(ec.generate_private_key(CURVES[spec]))


def pkcs8(private: PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_private(der: bytes) -> Any:
    return serialization.load_der_private_key(der, None)


def spki(private: PrivateKey) -> bytes:
    """The public half as DER X.509 SubjectPublicKeyInfo, which is what GetPublicKey answers."""
    return private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def public(doc: dict[str, Any], plain: bytes) -> str | None:
    if not doc["KeySpec"].startswith(("RSA", "ECC")):
        return None
    return base64.b64encode(spki(load_private(plain))).decode()
