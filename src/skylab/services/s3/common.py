"""What the families share: the bucket a request is about, the parts of the data plane, an object's headers."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.services.s3 import versions
from skylab.services.s3.bodies import Bodies
from skylab.services.s3.digests import Digest, member
from skylab.services.s3.index import Index
from skylab.services.s3.keeper import Keeper
from skylab.services.s3.keys import MEMBERS, Keys
from skylab.services.s3.versions import Version
from skylab.wire.errors import AwsError

Doc = dict[str, Any]

# What a write brings and a read shows, by AWS's names.
SYSTEM = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires")
_GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP")
_METADATA_BYTES = 2048


def index(call: Call) -> Index:
    return call.part["objects"]


def bodies(call: Call) -> Bodies:
    return call.part["bodies"]


def keeper(call: Call) -> Keeper:
    return call.part["keeper"]


def keys(call: Call) -> Keys:
    return call.part["keys"]


def bucket_key(name: str) -> Key:
    """All accounts and regions share one name space."""
    return Key("", "", "s3", "bucket", name)


def find_bucket(
    call: Call,
    request: Mapping[str, Any],
    name: str | None = None,
    owner: str = "ExpectedBucketOwner",
    anywhere: bool = False,
) -> Doc:
    """NoSuchBucket; AuthorizationHeaderMalformed where the request is signed for another region than the bucket's.

    AccessDenied where the owner is not who the caller expects. anywhere: in any region. Who may come to the bucket was
    decided before: access.py.
    """
    name = name or request["Bucket"]
    with call.reading() as tx:
        doc = tx.find(bucket_key(name))
    if doc is None:
        raise no_bucket(name)
    unsigned = call.principal.type == "Anonymous"  # it names no region
    if doc["BucketRegion"] != call.region and not anywhere and not unsigned:
        raise elsewhere(call, doc["BucketRegion"])
    expected = request.get(owner)
    if expected and expected != doc["_owner"]:
        raise AwsError("AccessDenied", "Access Denied", 403)
    return doc


def no_bucket(name: str) -> AwsError:
    return AwsError("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=name)


def elsewhere(call: Call, region: str) -> AwsError:
    """What S3 answers where the endpoint is right and the signature's region is not; clients then sign again.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, https://github.com/boto/botocore: utils.py,
    S3RegionRedirectorv2. Not PermanentRedirect: there is no other endpoint, and a client must not go to AWS's.
    """
    wrong = f"the region '{call.region}' is wrong; expecting '{region}'"
    if "X-Amz-Credential=" in call.http.query:
        message = f"Error parsing the X-Amz-Credential parameter; {wrong}"
        error = AwsError("AuthorizationQueryParametersError", message, 400, Region=region)
    else:
        message = f"The authorization header is malformed; {wrong}"
        error = AwsError("AuthorizationHeaderMalformed", message, 400, Region=region)
    error.headers["x-amz-bucket-region"] = region
    return error


def find_version(db: sqlite3.Connection, request: Mapping[str, Any]) -> Version:
    """The version a request names, which may be a delete marker, or the latest one, which then may not."""
    bucket, key, name = request["Bucket"], request["Key"], request.get("VersionId")
    if name:
        if found := versions.named(db, bucket, key, name):
            return found
        if name != versions.NULL and not is_version(name):
            raise AwsError(
                "InvalidArgument", "Invalid version id specified", 400, ArgumentName="versionId", ArgumentValue=name
            )
        raise AwsError("NoSuchVersion", "The specified version does not exist.", 404, Key=key, VersionId=name)
    latest = versions.current(db, bucket, key)
    if latest is None:
        raise AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=key)
    if latest.body is None:
        raise AwsError(
            "NoSuchKey", "The specified key does not exist.", 404, Key=key, DeleteMarker=True, VersionId=latest.name
        )
    return latest


def is_version(name: str) -> bool:
    return len(name) == 32 and all(c in "0123456789abcdef" for c in name[12:])


def find_object(db: sqlite3.Connection, request: Mapping[str, Any], method: str) -> Version:
    """As find_version, but a delete marker cannot be read: MethodNotAllowed."""
    found = find_version(db, request)
    if found.body is None:
        message = "The specified method is not allowed against this resource."
        raise AwsError(
            "MethodNotAllowed", message, 405, Method=method, ResourceType="DeleteMarker",
            DeleteMarker=True, VersionId=found.name, LastModified=when(found.modified),
        )  # fmt: skip
    return found


def shown_version(bucket: Doc, name: str) -> str | None:
    """The version id as an answer shows it: not at all in a bucket that never had versioning."""
    return name if bucket.get("Versioning") else None


def when(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def display(bucket: Doc) -> Doc:
    """The owner, of a bucket and so of all that is in it. S3 shows a canonical id; ours is the account's digits."""
    return {"ID": canonical(bucket["_owner"])}


def canonical(account: str) -> str:
    return account.rjust(64, "0")


def stored_members(request: Mapping[str, Any]) -> Doc:
    """What of a write is kept with the object. Refuses what S3 would refuse, and what we do not do."""
    if request.get("WriteOffsetBytes"):
        message = "A header you provided implies functionality that is not implemented: WriteOffsetBytes"
        raise AwsError("NotImplemented", message, 501)
    if request.get("ACL", "bucket-owner-full-control") != "bucket-owner-full-control" or any(map(request.get, _GRANTS)):
        raise no_acls()
    storage = request.get("StorageClass", "STANDARD")
    meta = {name: request[name] for name in SYSTEM if request.get(name)}
    meta["Metadata"] = _metadata(request.get("Metadata") or {})
    if encoding := _encoding(meta.pop("ContentEncoding", "")):
        meta["ContentEncoding"] = encoding
    if storage != "STANDARD":
        meta["StorageClass"] = storage
    if target := request.get("WebsiteRedirectLocation"):
        if not target.startswith(("/", "http://", "https://")):
            message = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
            raise AwsError("InvalidRedirectLocation", message, 400)
        meta["WebsiteRedirectLocation"] = target
    return {"ContentType": "binary/octet-stream"} | meta


def no_acls() -> AwsError:
    return AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)


def _metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    if sum(len(k.encode()) + len(v.encode()) for k, v in metadata.items()) > _METADATA_BYTES:
        message = "Your metadata headers exceed the maximum allowed metadata size"
        raise AwsError("MetadataTooLarge", message, 400, MaxSizeAllowed=str(_METADATA_BYTES))
    return {name.lower(): value for name, value in metadata.items()}


def _encoding(header: str) -> str:
    """aws-chunked is of the transfer, not of the object."""
    return ",".join(name for part in header.split(",") if (name := part.strip()) and name.lower() != "aws-chunked")


def checksum_members(digest: Digest) -> Doc:
    return {member(digest.algorithm): digest.checksum(), "ChecksumType": "FULL_OBJECT"}


def encryption_of(meta: Mapping[str, Any], request: Mapping[str, Any]) -> Doc:
    """What an answer says of how an object is encrypted."""
    shown = {name: meta[name] for name in MEMBERS if name in meta and name != "_key"}
    return shown | customer_digest(meta, request)


def customer_digest(meta: Mapping[str, Any], request: Mapping[str, Any]) -> Doc:
    """It is told again from the request: S3 does not keep it."""
    return {"SSECustomerKeyMD5": request.get("SSECustomerKeyMD5")} if "SSECustomerAlgorithm" in meta else {}


def checksums_of(meta: Mapping[str, Any]) -> Doc:
    """What of an object's members is its checksum."""
    return {name: value for name, value in meta.items() if name.startswith("Checksum")}
