"""What S3's operations need: their actions are not their names
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from skylab.services.access import ITSELF, Entry, Need, Parameters, Source, given
from skylab.services.call import Call
from skylab.services.s3 import copies, retention, tags
from skylab.services.s3.common import find_version, index
from skylab.services.s3.standing import resource_owner, resource_policy
from skylab.wire.errors import AwsError

__all__ = ["ACCESS", "COMMON", "HIDDEN", "resource_owner", "resource_policy"]

BUCKET, OBJECT = "arn:aws:s3:::{Bucket}", "arn:aws:s3:::{Bucket}/{Key}"


def header(name: str) -> Source:
    return lambda call, parameters: call.http.headers.get(name)


def query(call: Call) -> dict[str, list[str]]:
    return parse_qs(call.http.query)


def how_signed(call: Call, parameters: Parameters) -> str | None:
    if call.http.posted:
        return None if call.principal.type == "Anonymous" else "POST"
    if "authorization" in call.http.headers:
        return "REST-HEADER"
    return "REST-QUERY-STRING" if "X-Amz-Signature" in query(call) else None


def age(call: Call, parameters: Parameters) -> int | None:
    """Milliseconds since a presigned URL was signed."""
    signed = query(call).get("X-Amz-Date")
    if signed is None:
        return None
    moment = datetime.strptime(signed[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)  # the signature was proved: it reads
    return int((call.now - moment).total_seconds() * 1000)


def existing_tags(call: Call, parameters: Parameters) -> dict[str, str] | None:
    return _tags_of(call, parameters)


def source_tags(call: Call, parameters: Parameters) -> dict[str, str] | None:
    return _tags_of(call, source(parameters))


def _tags_of(call: Call, parameters: Mapping[str, Any]) -> dict[str, str] | None:
    """Of the object that is there already; None where there is none."""
    if not parameters.get("Key"):
        return None
    try:
        with index(call).reading() as db:
            found = find_version(db, parameters)
    except AwsError:
        return None
    return {tag["Key"]: tag["Value"] for tag in found.tag_set}


def request_tags(call: Call, parameters: Parameters) -> dict[str, str]:
    given = parameters.get("Tagging")
    listed = given["TagSet"] if isinstance(given, Mapping) else tags.from_header(given) or []
    return {tag["Key"]: tag["Value"] for tag in listed}


def request_tag_keys(call: Call, parameters: Parameters) -> list[str] | None:
    return list(request_tags(call, parameters)) or None


COMMON: dict[str, Source] = {
    "s3:authType": how_signed,
    "s3:signatureAge": age,
    "s3:signatureversion": lambda call, parameters: "AWS4-HMAC-SHA256" if how_signed(call, parameters) else None,
    "s3:TlsVersion": lambda call, parameters: "1.3" if call.http.secure else None,
    "s3:x-amz-content-sha256": header("x-amz-content-sha256"),
}
LIST: dict[str, Source] = {"s3:prefix": "Prefix", "s3:delimiter": "Delimiter", "s3:max-keys": "MaxKeys"}
EXISTING: dict[str, Source] = {"s3:ExistingObjectTag/": existing_tags}
VERSION: dict[str, Source] = {"s3:versionid": "VersionId"}
TAGGING: dict[str, Source] = {"s3:RequestObjectTag/": request_tags, "s3:RequestObjectTagKeys": request_tag_keys}
ACL: dict[str, Source] = {
    f"s3:{name}": header(name)
    for name in ("x-amz-acl", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp")
    + ("x-amz-grant-write", "x-amz-grant-write-acp")
}


def remaining(member: str) -> Source:
    """Days from now to the date of a member, the last one begun."""

    def days(call: Call, parameters: Parameters) -> int | None:
        until = given(member, call, parameters)
        return None if until is None else -((call.now - until) // timedelta(days=1))

    return days


def of_lock(mode: str, until: str) -> dict[str, Source]:
    return {
        "s3:object-lock-mode": mode,
        "s3:object-lock-retain-until-date": until,
        "s3:object-lock-remaining-retention-days": remaining(until),
    }


RETENTION = of_lock("ObjectLockMode", "ObjectLockRetainUntilDate")
RETAIN = of_lock("Retention.Mode", "Retention.RetainUntilDate")
HOLD: dict[str, Source] = {"s3:object-lock-legal-hold": "ObjectLockLegalHoldStatus"}
PUT: dict[str, Source] = (
    ACL
    | TAGGING
    | {
        f"s3:{name}": header(name)
        for name in ("x-amz-copy-source", "x-amz-metadata-directive", "x-amz-server-side-encryption")
        + ("x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm")
        + ("x-amz-storage-class", "x-amz-website-redirect-location", "if-match", "if-none-match")
    }
    | RETENTION
    | HOLD
)


def some(*members: str) -> Callable[[Call, Parameters], bool]:
    return lambda call, parameters: any(parameters.get(member) for member in members)


GRANTS = some("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")


def grants_itself(call: Call, parameters: Parameters) -> bool:
    """Services say bucket-owner-full-control, for which the policies that AWS documents for them have PutObject only:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"""
    return GRANTS(call, parameters) and call.principal.type != "AWSService"


# What a write sets beside the bytes, each with an action of its own.
BESIDE = (
    Need("s3:PutObjectTagging", OBJECT, TAGGING, when="Tagging"),
    Need("s3:PutObjectAcl", OBJECT, ACL, when=grants_itself),
    Need("s3:PutObjectRetention", OBJECT, RETENTION, when=some("ObjectLockMode", "ObjectLockRetainUntilDate")),
    Need("s3:PutObjectLegalHold", OBJECT, HOLD, when="ObjectLockLegalHoldStatus"),
)


def versioned(verb: str, noun: str, keys: Mapping[str, Source]) -> Entry:
    """s3:GetObject…, and s3:GetObjectVersion… where the request names a version."""
    return (
        Need(f"s3:{verb}Object{noun}", OBJECT, keys, when=lambda call, parameters: not parameters.get("VersionId")),
        Need(f"s3:{verb}ObjectVersion{noun}", OBJECT, {**keys, **VERSION}, when="VersionId"),
    )


READ = versioned("Get", "", EXISTING)
DELETE = (
    Need(
        "s3:DeleteObject", OBJECT, {"s3:if-match": header("if-match")}, when=lambda _, given: not given.get("VersionId")
    ),
    Need("s3:DeleteObjectVersion", OBJECT, VERSION, when="VersionId"),
    Need("s3:BypassGovernanceRetention", OBJECT, when="BypassGovernanceRetention"),
)


# a copy is a read of its source and a write


def source(parameters: Parameters) -> dict[str, Any]:
    bucket, key, version = copies.parse(parameters["CopySource"])
    return {"Bucket": bucket, "Key": key, "VersionId": version}


def source_arn(call: Call, parameters: Parameters) -> str:
    return OBJECT.format_map(source(parameters))


def of_version(call: Call, parameters: Parameters) -> bool:
    return bool(source(parameters)["VersionId"])


def of_latest(call: Call, parameters: Parameters) -> bool:
    return not of_version(call, parameters)


def copies_tags(call: Call, parameters: Parameters) -> bool:
    return parameters.get("TaggingDirective", "COPY") == "COPY" and bool(source_tags(call, parameters))


SOURCE: dict[str, Source] = {"s3:ExistingObjectTag/": source_tags}
SOURCE_VERSION: dict[str, Source] = SOURCE | {"s3:versionid": lambda call, parameters: source(parameters)["VersionId"]}
READ_SOURCE = (
    Need("s3:GetObject", source_arn, SOURCE, when=of_latest),
    Need("s3:GetObjectVersion", source_arn, SOURCE_VERSION, when=of_version),
)
COPY_TAGS = (
    Need("s3:GetObjectTagging", source_arn, SOURCE, when=lambda c, p: of_latest(c, p) and copies_tags(c, p)),
    Need(
        "s3:GetObjectVersionTagging",
        source_arn,
        SOURCE_VERSION,
        when=lambda c, p: of_version(c, p) and copies_tags(c, p),
    ),
    Need("s3:PutObjectTagging", OBJECT, when=copies_tags),
)

PUT_POLICY = Need("s3:PutBucketPolicy", BUCKET, unlocked=True)
NEW_TAGS = "CreateBucketConfiguration.Tags"

ACCESS: dict[str, Entry] = {
    "ListBuckets": (Need("s3:ListAllMyBuckets"),),
    # buckets
    "CreateBucket": (
        Need(
            "s3:CreateBucket",
            BUCKET,
            ACL | {"s3:locationconstraint": "CreateBucketConfiguration.LocationConstraint"},
            tags=NEW_TAGS,
            creates=True,
        ),
        Need("s3:PutBucketAcl", BUCKET, ACL, when=GRANTS, creates=True),
        Need("s3:PutBucketOwnershipControls", BUCKET, when="ObjectOwnership", creates=True),
        Need("s3:PutBucketObjectLockConfiguration", BUCKET, when="ObjectLockEnabledForBucket", creates=True),
        Need("s3:PutBucketVersioning", BUCKET, when="ObjectLockEnabledForBucket", creates=True),
        Need("s3:TagResource", BUCKET, tags=NEW_TAGS, when=NEW_TAGS, creates=True),
    ),
    "HeadBucket": (Need("s3:ListBucket", BUCKET),),
    "DeleteBucket": (Need("s3:DeleteBucket", BUCKET),),
    "GetBucketAcl": (Need("s3:GetBucketAcl", BUCKET),),
    "GetBucketLocation": (Need("s3:GetBucketLocation", BUCKET),),
    "GetBucketTagging": (Need("s3:GetBucketTagging", BUCKET),),
    "PutBucketTagging": (Need("s3:PutBucketTagging", BUCKET),),
    "DeleteBucketTagging": (Need("s3:PutBucketTagging", BUCKET),),
    "GetBucketVersioning": (Need("s3:GetBucketVersioning", BUCKET),),
    "PutBucketVersioning": (Need("s3:PutBucketVersioning", BUCKET),),
    "GetBucketEncryption": (Need("s3:GetEncryptionConfiguration", BUCKET),),
    "PutBucketEncryption": (Need("s3:PutEncryptionConfiguration", BUCKET),),
    "DeleteBucketEncryption": (Need("s3:PutEncryptionConfiguration", BUCKET),),
    "GetObjectLockConfiguration": (Need("s3:GetBucketObjectLockConfiguration", BUCKET),),
    "PutObjectLockConfiguration": (Need("s3:PutBucketObjectLockConfiguration", BUCKET),),
    "GetBucketLifecycleConfiguration": (Need("s3:GetLifecycleConfiguration", BUCKET),),
    "PutBucketLifecycleConfiguration": (Need("s3:PutLifecycleConfiguration", BUCKET),),
    "DeleteBucketLifecycle": (Need("s3:PutLifecycleConfiguration", BUCKET),),
    "GetBucketCors": (Need("s3:GetBucketCORS", BUCKET),),
    "PutBucketCors": (Need("s3:PutBucketCORS", BUCKET),),
    "DeleteBucketCors": (Need("s3:PutBucketCORS", BUCKET),),
    # who may come in
    "GetBucketPolicy": (Need("s3:GetBucketPolicy", BUCKET, unlocked=True),),
    "PutBucketPolicy": (PUT_POLICY,),
    "DeleteBucketPolicy": (Need("s3:DeleteBucketPolicy", BUCKET, unlocked=True),),
    "GetBucketPolicyStatus": (Need("s3:GetBucketPolicyStatus", BUCKET),),
    "GetPublicAccessBlock": (Need("s3:GetBucketPublicAccessBlock", BUCKET),),
    "PutPublicAccessBlock": (Need("s3:PutBucketPublicAccessBlock", BUCKET),),
    "DeletePublicAccessBlock": (Need("s3:PutBucketPublicAccessBlock", BUCKET),),
    "GetBucketOwnershipControls": (Need("s3:GetBucketOwnershipControls", BUCKET),),
    "PutBucketOwnershipControls": (Need("s3:PutBucketOwnershipControls", BUCKET),),
    "DeleteBucketOwnershipControls": (Need("s3:PutBucketOwnershipControls", BUCKET),),
    "PutBucketAcl": (Need("s3:PutBucketAcl", BUCKET, ACL),),
    "PutObjectAcl": versioned("Put", "Acl", ACL | EXISTING),
    # lists
    "ListObjects": (Need("s3:ListBucket", BUCKET, LIST),),
    "ListObjectsV2": (Need("s3:ListBucket", BUCKET, LIST),),
    "ListObjectVersions": (Need("s3:ListBucketVersions", BUCKET, LIST),),
    "ListMultipartUploads": (Need("s3:ListBucketMultipartUploads", BUCKET),),
    # objects
    "GetObject": READ,
    "HeadObject": READ,
    "GetObjectAttributes": (*READ, *versioned("Get", "Attributes", EXISTING)),
    "GetObjectAcl": versioned("Get", "Acl", EXISTING),
    "GetObjectTagging": versioned("Get", "Tagging", EXISTING),
    "PutObjectTagging": versioned("Put", "Tagging", EXISTING | TAGGING),
    "DeleteObjectTagging": versioned("Delete", "Tagging", EXISTING),
    "PutObject": (Need("s3:PutObject", OBJECT, PUT), *BESIDE),
    "CopyObject": (*READ_SOURCE, Need("s3:PutObject", OBJECT, PUT), *BESIDE, *COPY_TAGS),
    "GetObjectRetention": (retention.SEE_RETENTION,),
    "PutObjectRetention": (Need("s3:PutObjectRetention", OBJECT, RETAIN), DELETE[-1]),
    "GetObjectLegalHold": (retention.SEE_HOLD,),
    "PutObjectLegalHold": (Need("s3:PutObjectLegalHold", OBJECT, {"s3:object-lock-legal-hold": "LegalHold.Status"}),),
    "DeleteObject": DELETE,
    "DeleteObjects": ITSELF,
    # multipart uploads
    "CreateMultipartUpload": (Need("s3:PutObject", OBJECT, PUT), *BESIDE),
    "UploadPart": (Need("s3:PutObject", OBJECT, PUT),),
    "UploadPartCopy": (*READ_SOURCE, Need("s3:PutObject", OBJECT, PUT)),
    "CompleteMultipartUpload": (Need("s3:PutObject", OBJECT, PUT),),
    "AbortMultipartUpload": (Need("s3:AbortMultipartUpload", OBJECT),),
    "ListParts": (Need("s3:ListMultipartUploadParts", OBJECT),),
}

# Who may not list a bucket is not told what is not in it.
HIDDEN: dict[str, Need] = {"NoSuchKey": Need("s3:ListBucket", BUCKET)}
