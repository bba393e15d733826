"""A model card's content under the key that its owner chose: an envelope, since a key of KMS encrypts 4,096 bytes only.

The caller's own permissions decide: kms:GenerateDataKey to write it, kms:Decrypt to read it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from skylab.services.call import Call
from skylab.wire.errors import AwsError

NONCE = bytes(12)  # every content has a data key of its own, which encrypts nothing else


def kept(call: Call, text: str, key_id: str | None) -> dict[str, str]:
    """Raises AwsError where KMS does."""
    if not key_id:
        return {"content": text}
    made = _asked(lambda: call.client("kms").generate_data_key(KeyId=key_id, KeySpec="AES_256"))
    sealed = AESGCM(made["Plaintext"]).encrypt(NONCE, text.encode(), None)
    return {
        "sealed": base64.b64encode(sealed).decode(),
        "key": base64.b64encode(made["CiphertextBlob"]).decode(),
    }


def opened(call: Call, found: Mapping[str, Any]) -> str:
    """Raises AwsError where KMS does."""
    if "sealed" not in found:
        text: str = found["content"]
        return text
    key = base64.b64decode(found["key"])
    plain = _asked(lambda: call.client("kms").decrypt(CiphertextBlob=key))["Plaintext"]
    return AESGCM(plain).decrypt(NONCE, base64.b64decode(found["sealed"]), None).decode()


def _asked(ask: Any) -> Any:
    try:
        return ask()
    except ClientError as problem:
        error = problem.response["Error"]
        code = "AccessDeniedException" if error["Code"].startswith("AccessDenied") else "ValidationException"
        raise AwsError(code, f"KMS: {error['Message']}") from None
