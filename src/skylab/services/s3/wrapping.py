"""Data keys of KMS, asked for in the caller's name, and bucket keys: data keys that serve many objects for a while.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
"""

import threading
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from skylab.kernel.store import dump
from skylab.services.call import Call
from skylab.services.s3.wish import Wish, argument
from skylab.wire.errors import AwsError

HELD = 60.0  # seconds that a bucket key serves without KMS; AWS says no more than "a limited time"
_MOST = 1000
_SPEC = "AES_256"
_DEFAULT = "alias/aws/s3"  # KMS makes it at its first use


@dataclass(frozen=True)
class DataKey:
    """plain: 32 bytes. key: the KMS key's ARN. kept: what KMS needs to open it again."""

    plain: bytes
    key: str
    kept: dict[str, Any]


class Wrapping:
    """Bucket keys are held for each requester by itself: who may not use the KMS key gets nothing of another's."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, ...], tuple[float, DataKey]] = {}
        self._lock = threading.Lock()

    def generate(self, call: Call, wish: Wish, bucket: str, key: str) -> DataKey:
        arn = f"arn:aws:s3:::{bucket}" if wish.bucket_key else f"arn:aws:s3:::{bucket}/{key}"
        context = {**wish.context, "aws:s3:arn": arn}

        def ask() -> DataKey:
            given = {"KeyId": wish.key_id or _DEFAULT, "KeySpec": _SPEC, "EncryptionContext": context}
            made = _asked(call, "generate_data_key", given)
            kept = {"blob": b64encode(made["CiphertextBlob"]).decode(), "context": context}
            return DataKey(made["Plaintext"], made["KeyId"], kept)

        if not wish.bucket_key:
            return ask()
        return self._shared(call, ("generate", wish.key_id or "", dump(context)), ask)

    def decrypt(self, call: Call, data: DataKey) -> bytes:
        """The plain data key. data: as generate() made it, without its plain bytes."""
        context, blob = data.kept["context"], data.kept["blob"]

        def ask() -> DataKey:
            given = {"CiphertextBlob": b64decode(blob), "KeyId": data.key, "EncryptionContext": context}
            return DataKey(_asked(call, "decrypt", given)["Plaintext"], data.key, data.kept)

        if "/" in context["aws:s3:arn"]:
            return ask().plain
        return self._shared(call, ("decrypt", blob, dump(context)), ask).plain

    def _shared(self, call: Call, name: tuple[str, ...], ask: Callable[[], DataKey]) -> DataKey:
        name, now = (call.principal.access_key, call.principal.arn, *name), call.now.timestamp()
        with self._lock:
            until, data = self._held.get(name, (0.0, None))
        if data is not None and now < until:
            return data
        data = ask()
        with self._lock:
            if len(self._held) >= _MOST:
                self._held.clear()
            self._held[name] = now + HELD, data
        return data


def _asked(call: Call, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """KMS's answer; its errors as S3 shows them.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """
    if call.principal.type == "Anonymous":
        message = (
            "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
        )
        raise argument(message, "Authorization", None)
    try:
        answer: dict[str, Any] = getattr(call.client("kms"), operation)(**given)
        return answer
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code.startswith("AccessDenied"):
            raise AwsError("AccessDenied", message, 403) from None
        raise AwsError(f"KMS.{code}", message, 400) from None
