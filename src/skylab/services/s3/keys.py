"""The keys of objects: each object has one of its own, kept beside it, sealed by the key that its encryption names.

    SSE-S3      object key <- S3's key <- the vault's root key
    SSE-KMS     object key <- data key <- KMS          with a bucket key, many objects share the data key for a while
    DSSE-KMS    as SSE-KMS, and a second object key <- S3's key, for the second layer
    SSE-C       object key <- the customer's key       which is not kept: that it opens the seal is what proves it

A seal names the bucket and the key of its object: under another name it does not open.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest as hmac
from typing import Any

from skylab.kernel.vault import Tampered, Vault
from skylab.services.call import Call
from skylab.services.s3.digests import Digest
from skylab.services.s3.index import Index
from skylab.services.s3.wish import CUSTOMER, DSSE, KMS, S3, Wish, wrong_customer_key
from skylab.services.s3.wrapping import DataKey, Wrapping

# What of an object's members tells its encryption; a copy has its own.
MEMBERS = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "SSECustomerAlgorithm", "_key")


@dataclass(frozen=True)
class ObjectKey:
    """layers: what seals the body. members: what is kept with the object, and shown."""

    layers: tuple[bytes, ...]
    members: dict[str, Any]

    def etag(self, digest: Digest) -> str:
        """The MD5 under SSE-S3 only; else as long, and of no use to guess the content.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
        """
        if self.members.get("ServerSideEncryption") == S3:
            return digest.etag
        return f'"{hmac(self.layers[0], b"etag" + digest.md5, sha256)[:16].hex()}"'


class Keys:
    def __init__(self, index: Index, vault: Vault) -> None:
        self.vault = Vault(_own(index, vault))
        self.wrapping = Wrapping()

    def make(self, call: Call | None, wish: Wish, bucket: str, key: str) -> ObjectKey:
        """A new key for an object, or for an upload. Calls KMS as the caller; call may be None for SSE-S3."""
        layers: tuple[bytes, ...] = (os.urandom(32),)
        if wish.mode == CUSTOMER:
            assert wish.customer is not None
            private = {"sealed": _sealed(Vault(wish.customer), layers[0], bucket, key)}
            return ObjectKey(layers, {"SSECustomerAlgorithm": "AES256", "_key": private})
        if wish.mode == S3:
            private = {"sealed": _sealed(self.vault, layers[0], bucket, key)}
            return ObjectKey(layers, {"ServerSideEncryption": S3, "_key": private})
        assert call is not None
        data = self.wrapping.generate(call, wish, bucket, key)
        kept: dict[str, Any] = {"sealed": _sealed(Vault(data.plain), layers[0], bucket, key), **data.kept}
        if wish.mode == DSSE:
            layers += (os.urandom(32),)
            kept["second"] = _sealed(self.vault, layers[1], bucket, key)
        members = {"ServerSideEncryption": wish.mode, "SSEKMSKeyId": data.key, "_key": kept}
        return ObjectKey(layers, members | ({"BucketKeyEnabled": True} if wish.bucket_key else {}))

    def open(
        self, call: Call, members: Mapping[str, Any], bucket: str, key: str, customer: bytes | None
    ) -> tuple[bytes, ...]:
        """The layers of an object. Calls KMS as the caller. Raises AwsError; Tampered for a row that was altered.

        customer: the key that the request brings for an object of SSE-C.
        """
        private = members["_key"]
        if "SSECustomerAlgorithm" in members:
            try:
                return (_unsealed(Vault(customer or b"\0" * 32), private["sealed"], bucket, key),)
            except Tampered:
                raise wrong_customer_key() from None
        if members["ServerSideEncryption"] == S3:
            return self.own(members, bucket, key)
        data = Vault(self.wrapping.decrypt(call, DataKey(b"", members["SSEKMSKeyId"], private)))
        first = _unsealed(data, private["sealed"], bucket, key)
        if "second" not in private:
            return (first,)
        return first, _unsealed(self.vault, private["second"], bucket, key)

    def own(self, members: Mapping[str, Any], bucket: str, key: str) -> tuple[bytes, ...]:
        """The layers of an object of SSE-S3, which nobody has to ask for."""
        return (_unsealed(self.vault, members["_key"]["sealed"], bucket, key),)

    def again(self, layers: tuple[bytes, ...], bucket: str, key: str) -> ObjectKey:
        """The same key for a second name of the same body, under SSE-S3."""
        private = {"sealed": _sealed(self.vault, layers[0], bucket, key)}
        return ObjectKey(layers, {"ServerSideEncryption": S3, "_key": private})


def is_local(members: Mapping[str, Any]) -> bool:
    """Whether the key opens without asking KMS, which takes a while."""
    return members.get("ServerSideEncryption") not in (KMS, DSSE)


def _own(index: Index, vault: Vault) -> bytes:
    """S3's key, made at the first opening."""
    about = b"s3 key"
    with index.writing() as db:
        if (row := db.execute("select sealed from secret where name = 'key'").fetchone()) is None:
            row = (vault.seal(os.urandom(32), about),)
            db.execute("insert into secret (name, sealed) values ('key', ?)", row)
    return vault.unseal(row[0], about)


def _sealed(vault: Vault, secret: bytes, bucket: str, key: str) -> str:
    return b64encode(vault.seal(secret, _about(bucket, key))).decode()


def _unsealed(vault: Vault, text: str, bucket: str, key: str) -> bytes:
    return vault.unseal(b64decode(text), _about(bucket, key))


def _about(bucket: str, key: str) -> bytes:
    return b"s3 object\0" + bucket.encode() + b"\0" + key.encode(errors="surrogatepass")
