"""How a bucket encrypts what is written without a word about it, and which encryption it does not take.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.s3.buckets import change
from skylab.services.s3.common import Doc, find_bucket
from skylab.services.s3.digests import verify
from skylab.services.s3.wish import DSSE, KMS, S3
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

_DEFAULT = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": S3}, "BucketKeyEnabled": False}


class Encryption:
    def get_bucket_encryption(self, call: Call, request: GetBucketEncryptionRequest) -> Doc:
        bucket = find_bucket(call, request)
        blocked = {"BlockedEncryptionTypes": {"EncryptionType": bucket.get("_blocked") or ["NONE"]}}
        rule = (bucket.get("_encryption") or _DEFAULT) | blocked
        return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    def put_bucket_encryption(self, call: Call, request: PutBucketEncryptionRequest) -> None:
        verify(call, request)
        rules = request["ServerSideEncryptionConfiguration"]["Rules"]
        if len(rules) != 1:
            raise _malformed()
        rule = rules[0]
        changed: Doc = {}
        if "ApplyServerSideEncryptionByDefault" in rule or "BucketKeyEnabled" in rule:
            changed["_encryption"] = _rule(rule)
        if "BlockedEncryptionTypes" in rule:
            changed["_blocked"] = _blocked(rule["BlockedEncryptionTypes"].get("EncryptionType") or [])
        if not changed:
            raise _malformed()
        change(call, request, **changed)

    def delete_bucket_encryption(self, call: Call, request: DeleteBucketEncryptionRequest) -> None:
        """Back to SSE-S3; what is blocked stays so."""
        change(call, request, _encryption=None)


def _rule(rule: Any) -> Doc:
    default = rule.get("ApplyServerSideEncryptionByDefault") or {"SSEAlgorithm": S3}
    mode, key = default["SSEAlgorithm"], default.get("KMSMasterKeyID")
    if mode not in (S3, KMS, DSSE):
        raise _malformed()
    if key and mode == S3:
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="ApplyServerSideEncryptionByDefault")
    kept = {"SSEAlgorithm": mode} | ({"KMSMasterKeyID": key} if key else {})
    return {"ApplyServerSideEncryptionByDefault": kept, "BucketKeyEnabled": bool(rule.get("BucketKeyEnabled"))}


def _blocked(types: Sequence[str]) -> list[str]:
    if tuple(types) not in (("NONE",), ("SSE-C",)):
        raise _malformed()
    return [name for name in types if name != "NONE"]


def _malformed() -> AwsError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return AwsError("MalformedXML", message, 400)
