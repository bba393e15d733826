"""Buckets: documents of the store, owned by an account and placed in a region, with one name space for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.store import Exists
from skylab.services.call import Call
from skylab.services.s3 import names, tags, tokens
from skylab.services.s3.common import Doc, bucket_key, canonical, find_bucket, index, keeper
from skylab.services.s3.digests import verify
from skylab.services.s3.uploads import drop_all
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
ENFORCED = "BucketOwnerEnforced"  # the bucket's owner owns all that is in it, and there are no ACLs
HOME = "us-east-1"  # the region that has no location constraint
_MOST = 10_000


class Buckets:
    def create_bucket(self, call: Call, request: CreateBucketRequest) -> Doc:
        name = request["Bucket"]
        names.check_bucket(name)
        _refuse_unknown(request)
        given = request.get("CreateBucketConfiguration") or {}
        region = _region(call.region, given.get("LocationConstraint"))
        doc = {"Name": name, "CreationDate": call.now, "BucketRegion": region, "BucketArn": f"arn:aws:s3:::{name}"}
        doc |= {"TagSet": tags.check(given.get("Tags") or [], tags.BUCKET_TAGS), "_owner": call.account}
        doc["_blocked"] = ["SSE-C"]  # of every new bucket since April 2026
        doc["_block"] = dict.fromkeys(BLOCKS, True)  # and this since April 2023
        if request.get("ObjectLockEnabledForBucket"):
            doc |= {"Versioning": "Enabled", "_lock": {"ObjectLockEnabled": "Enabled"}}
        try:
            with call.writing() as tx:
                tx.create(bucket_key(name), doc, call.now)
        except Exists:
            _exists(call, name)
        location = f"/{name}" if region == HOME else f"http://{name}.s3.amazonaws.com/"
        return {"Location": location, "BucketArn": doc["BucketArn"]}

    def head_bucket(self, call: Call, request: HeadBucketRequest) -> Doc:
        doc = find_bucket(call, request)
        return {"BucketRegion": doc["BucketRegion"], "BucketArn": doc["BucketArn"], "AccessPointAlias": False}

    def delete_bucket(self, call: Call, request: DeleteBucketRequest) -> None:
        name = request["Bucket"]
        with index(call).writing() as db:
            doc = find_bucket(call, request)
            if db.execute("select 1 from version where bucket = ? limit 1", (name,)).fetchone():
                more = " You must delete all versions in the bucket." if doc.get("Versioning") else ""
                message = f"The bucket you tried to delete is not empty.{more}"
                raise AwsError("BucketNotEmpty", message, 409, BucketName=name)
            drop_all(db, name, call.now.timestamp())
            with call.writing() as tx:
                tx.delete(bucket_key(name))
        keeper(call).note()

    def list_buckets(self, call: Call, request: ListBucketsRequest) -> Doc:
        most, prefix, region = request.get("MaxBuckets", _MOST), request.get("Prefix", ""), request.get("BucketRegion")
        if not 1 <= most <= _MOST:
            raise AwsError("InvalidArgument", f"MaxBuckets must be between 1 and {_MOST}", 400)
        token = request.get("ContinuationToken")
        start = tokens.read(token) if token else ""
        with call.reading() as tx:
            mine = [doc for doc in tx.all("", "", "s3", "bucket", prefix) if doc["_owner"] == call.account]
        mine = [doc for doc in mine if doc["Name"] >= start and (not region or doc["BucketRegion"] == region)]
        result: Doc = {"Buckets": mine[:most], "Owner": {"ID": canonical(call.account)}}
        if len(mine) > most:
            result["ContinuationToken"] = tokens.write(mine[most]["Name"])
        return result | ({"Prefix": prefix} if "Prefix" in request else {})

    def get_bucket_location(self, call: Call, request: GetBucketLocationRequest) -> Doc:
        region = find_bucket(call, request, anywhere=True)["BucketRegion"]
        return {"LocationConstraint": None if region == HOME else region}

    def get_bucket_versioning(self, call: Call, request: GetBucketVersioningRequest) -> Doc:
        return {"Status": find_bucket(call, request).get("Versioning")}

    def put_bucket_versioning(self, call: Call, request: PutBucketVersioningRequest) -> None:
        verify(call, request)
        given = request["VersioningConfiguration"]
        status = given.get("Status")
        if status not in ("Enabled", "Suspended"):
            message = "The Versioning element must be specified"
            raise AwsError("IllegalVersioningConfigurationException", message, 400)
        if given.get("MFADelete") == "Enabled":
            raise AwsError("NotImplemented", "MFA delete is not implemented", 501)
        if status != "Enabled" and "_lock" in find_bucket(call, request):
            message = (
                "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
            )
            raise AwsError("InvalidBucketState", message, 409)
        change(call, request, Versioning=status)

    def get_bucket_tagging(self, call: Call, request: GetBucketTaggingRequest) -> Doc:
        if not (found := find_bucket(call, request).get("TagSet")):
            raise AwsError("NoSuchTagSet", "The TagSet does not exist", 404, BucketName=request["Bucket"])
        return {"TagSet": found}

    def put_bucket_tagging(self, call: Call, request: PutBucketTaggingRequest) -> None:
        verify(call, request)
        change(call, request, TagSet=tags.check(request["Tagging"]["TagSet"], tags.BUCKET_TAGS))

    def delete_bucket_tagging(self, call: Call, request: DeleteBucketTaggingRequest) -> None:
        change(call, request, TagSet=None)


def change(call: Call, request: Any, **members: Any) -> None:
    find_bucket(call, request)
    # Writers of objects read the bucket's document within their transaction: taking turns with them, none of them
    # writes by a configuration that was already replaced.
    with index(call).writing(), call.writing() as tx:
        tx.update(bucket_key(request["Bucket"]), call.now, **members)


def _refuse_unknown(request: Any) -> None:
    """What of a CreateBucket we do not do."""
    config = request.get("CreateBucketConfiguration") or {}
    for name, wanted in (
        ("ObjectOwnership", request.get("ObjectOwnership", ENFORCED) != ENFORCED),
        ("BucketNamespace", request.get("BucketNamespace", "global") != "global"),
        ("Location", config.get("Location") or config.get("Bucket")),
    ):
        if wanted:
            message = f"A header you provided implies functionality that is not implemented: {name}"
            raise AwsError("NotImplemented", message, 501)
    if request.get("ACL", "private") != "private" or any(name.startswith("Grant") for name in request):
        message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise AwsError("InvalidBucketAclWithObjectOwnership", message, 400)


def _region(endpoint: str, constraint: str | None) -> str:
    """The us-east-1 endpoint places a bucket anywhere; every other one only at home, and insists that this be said."""
    region = "eu-west-1" if constraint == "EU" else constraint
    if endpoint != HOME and region != endpoint:
        raise AwsError(
            "IllegalLocationConstraintException",
            f"The {constraint or 'unspecified'} location constraint is incompatible for the region specific endpoint "
            "this request was sent to.",
            400,
        )
    return region or HOME


def _exists(call: Call, name: str) -> None:
    """To create one's own bucket again is an error everywhere but in us-east-1."""
    with call.reading() as tx:
        doc = tx.get(bucket_key(name))
    if doc["_owner"] != call.account:
        message = (
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system."
        )
        raise AwsError(
            "BucketAlreadyExists", f"{message} Please select a different name and try again.", 409, BucketName=name
        )
    if call.region != HOME or doc["BucketRegion"] != HOME:
        message = "Your previous request to create the named bucket succeeded and you already own it."
        raise AwsError("BucketAlreadyOwnedByYou", message, 409, BucketName=name)
