"""The keys that digests are signed with: RSA, one pair for each region, the private half sealed by the vault.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from skylab.kernel.key import Key
from skylab.kernel.store import Exists, Store
from skylab.kernel.vault import Vault
from skylab.services.call import Call
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.cloudtrail import *

BITS, LIFE = 2048, timedelta(days=365)


class Keys:
    def list_public_keys(self, call: Call, request: ListPublicKeysRequest) -> dict[str, Any]:
        """Those that were valid at some time of the range; without one, those of now."""
        end = request.get("EndTime", call.now)
        start = request.get("StartTime", end)
        if start > end:
            raise AwsError("InvalidTimeRangeException", "The start time must be before the end time.")
        with call.reading() as tx:
            docs = list(tx.all("", call.region, "cloudtrail", "signing-key"))
        return {
            "PublicKeyList": [
                doc | {"Value": base64.b64decode(doc["Value"])}
                for doc in docs
                if doc["ValidityStartTime"] <= end and doc["ValidityEndTime"] >= start
            ]
        }


class Signers:
    """Signs in the name of a region; makes its key when it is needed first, and a new one each year."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def current(self, store: Store, region: str, now: datetime) -> str:
        """The fingerprint of the key that the region signs with at this time."""
        with store.reading() as tx:
            for doc in tx.all("", region, "cloudtrail", "signing-key"):
                if doc["ValidityStartTime"] <= now < doc["ValidityEndTime"]:
                    return str(doc["Fingerprint"])
        return self._make(store, region, now)

    def sign(self, store: Store, region: str, fingerprint: str, text: bytes) -> str:
        """The signature, PKCS #1 v1.5 over SHA-256, in hexadecimal digits: the same text has the same one."""
        with store.reading() as tx:
            doc = tx.get(_key(region, fingerprint))
        sealed = base64.b64decode(doc["_"]["sealed"])
        der = self._vault.unseal(sealed, _about(region, fingerprint))
        private = serialization.load_der_private_key(der, None)
        assert isinstance(private, rsa.RSAPrivateKey)
        return private.sign(text, padding.PKCS1v15(), hashes.SHA256()).hex()

    def _make(self, store: Store, region: str, now: datetime) -> str:
        private = rsa.generate_private_key(65537, BITS)
        public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
        fingerprint = hashlib.md5(public, usedforsecurity=False).hexdigest()
        der = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        doc = {
            "Value": base64.b64encode(public).decode(),
            "ValidityStartTime": now,
            "ValidityEndTime": now + LIFE,
            "Fingerprint": fingerprint,
            "_": {"sealed": base64.b64encode(self._vault.seal(der, _about(region, fingerprint))).decode()},
        }
        try:
            with store.writing() as tx:
                tx.create(_key(region, fingerprint), doc, now)
        except Exists:
            pass  # 128 bits of chance
        return fingerprint


def _key(region: str, fingerprint: str) -> Key:
    return Key("", region, "cloudtrail", "signing-key", fingerprint)


def _about(region: str, fingerprint: str) -> bytes:
    return f"cloudtrail signing key {region} {fingerprint}".encode()
