"""A symmetric ciphertext as callers keep it: it names the key, and which of the key's materials, that opens it.

    1 (version) | account, 12 digits | key id, 16 bytes | key material id, 32 bytes | nonce, 12 | AES-256-GCM and tag

All before the nonce is authenticated together with the encryption context.
"""

import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from skylab.services.kms.context import canonical
from skylab.wire.errors import AwsError

_HEAD, _NONCE, _TAG = 1 + 12 + 16 + 32, 12, 16
_VERSION = b"\x01"
_DIGITS = re.compile(rb"[0-9]{12}")


@dataclass(frozen=True)
class Named:
    """The key and the key material that a ciphertext says it is encrypted under. Nothing of it is proved."""

    account: str
    key_id: str
    material_id: str


def damaged() -> AwsError:
    """AWS does not say what is wrong with a ciphertext, so that nobody learns from asking."""
    return AwsError("InvalidCiphertextException", "")


def seal(cipher: AESGCM, by: Named, plain: bytes, context: Mapping[str, str] | None) -> bytes:
    head = _VERSION + by.account.encode() + uuid.UUID(by.key_id).bytes + bytes.fromhex(by.material_id)
    nonce = os.urandom(_NONCE)
    return head + nonce + cipher.encrypt(nonce, plain, head + canonical(context))


def named(blob: bytes) -> Named:
    """Raises InvalidCiphertextException for what is no ciphertext of ours."""
    if len(blob) < _HEAD + _NONCE + _TAG or blob[:1] != _VERSION or not _DIGITS.fullmatch(blob[1:13]):
        raise damaged()
    return Named(blob[1:13].decode(), str(uuid.UUID(bytes=blob[13:29])), blob[29:_HEAD].hex())


def unseal(cipher: AESGCM, blob: bytes, context: Mapping[str, str] | None) -> bytes:
    """Raises InvalidCiphertextException for another key, another context, or a changed byte."""
    nonce, sealed = blob[_HEAD : _HEAD + _NONCE], blob[_HEAD + _NONCE :]
    try:
        return cipher.decrypt(nonce, sealed, blob[:_HEAD] + canonical(context))
    except InvalidTag:
        raise damaged() from None
