"""What a request says of encryption: in its headers, or by its bucket's default; and what S3 refuses of that.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-kms-encryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
"""

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

from skylab.services.call import Call
from skylab.wire.errors import AwsError

S3, KMS, DSSE, CUSTOMER = "AES256", "aws:kms", "aws:kms:dsse", "SSE-C"
HEADER = "x-amz-server-side-encryption"
_PREFIX = "Requests specifying Server Side Encryption with Customer provided keys must"


@dataclass(frozen=True)
class Wish:
    """mode: one of the four above. key_id: None for alias/aws/s3. customer: the key of SSE-C, 32 bytes."""

    mode: str = S3
    key_id: str | None = None
    bucket_key: bool = False
    context: Mapping[str, str] = field(default_factory=dict)
    customer: bytes | None = None


def wished(call: Call, request: Mapping[str, Any], bucket: Mapping[str, Any], action: str) -> Wish:
    """What a write asks for; the bucket's default where it asks for nothing. action: as a refusal names it."""
    mode = request.get("ServerSideEncryption")
    customer = customer_key(call, request)
    if customer is not None:
        if mode:
            message = "Server Side Encryption with Customer provided key is incompatible with the encryption method "
            raise argument(f"{message}specified", HEADER, mode)
        if CUSTOMER in bucket.get("_blocked", ()):
            raise _blocked(call, request, action)
        return Wish(CUSTOMER, customer=customer)
    if request.get("SSEKMSKeyId") and mode not in (KMS, DSSE):
        message = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption"
        raise argument(f"{message} : aws:kms", HEADER, mode)
    default = bucket.get("_encryption") or {}
    by_default = default.get("ApplyServerSideEncryptionByDefault") or {}
    key_id = request.get("SSEKMSKeyId")
    if not mode:
        mode, key_id = by_default.get("SSEAlgorithm", S3), by_default.get("KMSMasterKeyID")
    if mode == S3:
        return Wish()
    if mode not in (KMS, DSSE):
        raise argument("The encryption method specified is not supported", HEADER, mode)
    shared = request.get("BucketKeyEnabled", default.get("BucketKeyEnabled", False))
    return Wish(mode, key_id, bool(shared) and mode == KMS, _context(request.get("SSEKMSEncryptionContext")))


def customer_key(call: Call, request: Mapping[str, Any], prefix: str = "") -> bytes | None:
    """The customer's key that a request brings, checked. prefix: "CopySource" for that of a copy's source."""
    algorithm, text, told = (request.get(f"{prefix}SSECustomer{name}") for name in ("Algorithm", "Key", "KeyMD5"))
    if algorithm is None and text is None and told is None:
        return None
    _check_secure(call)
    if not algorithm:
        raise argument(f"{_PREFIX} provide a valid encryption algorithm.", HEADER, None)
    if algorithm != "AES256":
        message = "The Encryption request you specified is not valid. Supported value: AES256."
        raise AwsError(
            "InvalidEncryptionAlgorithmError", message, 400, ArgumentName=HEADER, ArgumentValue=algorithm
        )  # fmt: skip
    if not text:
        raise argument(f"{_PREFIX} provide an appropriate secret key.", f"{HEADER}-customer-key", None)
    if not told:
        raise argument(f"{_PREFIX} provide the client calculated MD5 of the secret key.", HEADER, None)
    try:
        key = b64decode(text, validate=True)
    except NotBase64:
        key = b""
    if b64encode(md5(key, usedforsecurity=False).digest()).decode() != told:
        raise argument("The calculated MD5 hash of the key did not match the hash that was provided.", HEADER, None)
    if len(key) != 32:
        raise argument("The secret key was invalid for the specified algorithm.", HEADER, None)
    return key


def _check_secure(call: Call) -> None:
    """A customer's key comes over TLS, or without leaving this process: nobody else may have seen it."""
    if not call.http.secure and not call.http.inside:
        raise argument(f"{_PREFIX} be made over a secure connection.", HEADER, None)


def customer_key_to_read(
    call: Call, request: Mapping[str, Any], members: Mapping[str, Any], prefix: str = ""
) -> bytes | None:
    """The key that opens an object, or None where S3 has it. InvalidRequest for one too few or too many."""
    key = customer_key(call, request, prefix)
    if "SSECustomerAlgorithm" in members and key is None:
        message = "The object was stored using a form of Server Side Encryption. The correct parameters must be "
        raise AwsError("InvalidRequest", f"{message}provided to retrieve the object.", 400)
    if "SSECustomerAlgorithm" not in members and key is not None:
        raise AwsError("InvalidRequest", "The encryption parameters are not applicable to this object.", 400)
    return key


def check_read(call: Call) -> None:
    """A read does not choose how its object is encrypted."""
    if (given := call.http.headers.get(HEADER)) is not None:
        raise argument(f"{HEADER} header is not supported for this operation.", HEADER, given)


def wrong_customer_key() -> AwsError:
    return AwsError("AccessDenied", f"{_PREFIX} provide the correct secret key.", 403)


def argument(message: str, name: str, value: str | None) -> AwsError:
    return AwsError("InvalidArgument", message, 400, ArgumentName=name, ArgumentValue=value or "null")


def _context(text: str | None) -> dict[str, str]:
    """Base64 of a JSON map from text to text. Its "aws:s3:arn", if any, is replaced by S3's own."""
    if not text:
        return {}
    try:
        pairs = json.loads(b64decode(text, validate=True))
    except ValueError:  # not base64, not UTF-8, not JSON
        pairs = None
    if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
        message = f"The header '{HEADER}-context' shall be Base64-encoded UTF-8 string holding JSON which represents a "
        raise argument(f"{message}string-string map", f"{HEADER}-context", text)
    return pairs


def _blocked(call: Call, request: Mapping[str, Any], action: str) -> AwsError:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html"""
    arn = f"arn:aws:s3:::{request['Bucket']}/{request['Key']}"
    message = (
        f'User: {call.principal.arn} is not authorized to perform: {action} on resource: "{arn}" because this bucket '
        "has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please "
        "specify a different server-side encryption type"
    )
    return AwsError("AccessDenied", message, 403)
