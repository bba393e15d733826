"""What a trail puts into its bucket: where it lies, and its bytes. Pure: the same events make the same file.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Doc = dict[str, Any]
ALGORITHM = "SHA256withRSA"


@dataclass(frozen=True)
class File:
    """bucket and key, the whole content (gzip'd JSON), and what a digest says of it."""

    bucket: str
    key: str
    body: bytes
    described: Doc


def log_key(trail: Mapping[str, Any], region: str, now: datetime, unique: str) -> str:
    account = trail["TrailARN"].split(":")[4]
    name = f"{account}_CloudTrail_{region}_{now:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"{_prefix(trail)}AWSLogs/{account}/CloudTrail/{region}/{now:%Y/%m/%d}/{name}"


def digest_key(trail: Mapping[str, Any], region: str, end: datetime) -> str:
    account, home = trail["TrailARN"].split(":")[4], trail["HomeRegion"]
    name = f"{account}_CloudTrail-Digest_{region}_{trail['Name']}_{home}_{end:%Y%m%dT%H%M%SZ}.json.gz"
    return f"{_prefix(trail)}AWSLogs/{account}/CloudTrail-Digest/{region}/{end:%Y/%m/%d}/{name}"


def _prefix(trail: Mapping[str, Any]) -> str:
    return f"{trail['S3KeyPrefix'].rstrip('/')}/" if trail.get("S3KeyPrefix") else ""


def log_file(bucket: str, key: str, events: list[tuple[int, bytes]]) -> File:
    """events: (milliseconds, record) each."""
    text = b'{"Records":[' + b",".join(record for _, record in events) + b"]}"
    times = [ms for ms, _ in events]
    described = {
        "s3Bucket": bucket,
        "s3Object": key,
        "hashValue": hashlib.sha256(text).hexdigest(),
        "hashAlgorithm": "SHA-256",
        "newestEventTime": _second(max(times)),
        "oldestEventTime": _second(min(times)),
    }
    return File(bucket, key, gzip.compress(text, mtime=0), described)


def digest_file(
    trail: Mapping[str, Any], region: str, start: datetime, end: datetime, fingerprint: str, chain: Mapping[str, Any]
) -> tuple[File, bytes]:
    """The digest of the files in chain, behind the previous one in chain; and what of it is to be signed."""
    bucket, key = trail["S3BucketName"], digest_key(trail, region, end)
    files, previous = chain.get("files") or [], chain.get("previous") or {}
    content = {
        "awsAccountId": trail["TrailARN"].split(":")[4],
        "digestStartTime": shown(start),
        "digestEndTime": shown(end),
        "digestS3Bucket": bucket,
        "digestS3Object": key,
        "digestPublicKeyFingerprint": fingerprint,
        "digestSignatureAlgorithm": ALGORITHM,
        "newestEventTime": max((file["newestEventTime"] for file in files), default=None),
        "oldestEventTime": min((file["oldestEventTime"] for file in files), default=None),
        "previousDigestS3Bucket": previous.get("bucket"),
        "previousDigestS3Object": previous.get("key"),
        "previousDigestHashValue": previous.get("hash"),
        "previousDigestHashAlgorithm": "SHA-256" if previous else None,
        "previousDigestSignature": previous.get("signature"),
        "logFiles": files,
    }
    text = json.dumps(content, separators=(",", ":")).encode()
    digest = hashlib.sha256(text).hexdigest()
    signed = "\n".join((shown(end), f"{bucket}/{key}", digest, previous.get("signature") or "null"))
    body = gzip.compress(text, mtime=0)
    return File(bucket, key, body, {"bucket": bucket, "key": key, "hash": digest}), signed.encode()


def shown(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _second(ms: int) -> str:
    return shown(datetime.fromtimestamp(ms / 1000, UTC))
