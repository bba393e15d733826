"""DeleteObject and DeleteObjects: the row goes, the body follows when no answer can still need it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.s3 import conditions, names, retention, versions
from skylab.services.s3.access import ACCESS
from skylab.services.s3.common import Doc, find_bucket, index, is_version, keeper
from skylab.services.s3.digests import verify
from skylab.services.s3.versions import Fresh
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

MOST = 1000
_BATCH = 100  # deletions of one transaction: others get their turn in between


class Deletions:
    def delete_object(self, call: Call, request: DeleteObjectRequest) -> Doc:
        names.check_key(request["Key"])
        _refuse(request)
        with index(call).writing() as db:
            bucket = find_bucket(call, request)
            bypass = bool(request.get("BypassGovernanceRetention"))
            deleted = _delete(
                db, call, bucket, request["Key"], request.get("VersionId"), request.get("IfMatch"), bypass
            )
        keeper(call).note()
        return {
            "DeleteMarker": deleted.get("DeleteMarker"),
            "VersionId": deleted.get("VersionId") or deleted.get("DeleteMarkerVersionId"),
        }

    def delete_objects(self, call: Call, request: DeleteObjectsRequest) -> Doc:
        verify(call, request, required=True)
        wanted = request["Delete"]["Objects"]
        if not 1 <= len(wanted) <= MOST:
            message = "The XML you provided was not well-formed or did not validate against our published schema"
            raise AwsError("MalformedXML", message, 400)
        deleted: list[Doc] = []
        errors: list[Doc] = []
        find_bucket(call, request)
        for first in range(0, len(wanted), _BATCH):
            with index(call).writing() as db:
                bucket = find_bucket(call, request)
                for one in wanted[first : first + _BATCH]:
                    _attempt(db, call, bucket, one, bool(request.get("BypassGovernanceRetention")), deleted, errors)
        keeper(call).note()
        return {"Errors": errors} | ({} if request["Delete"].get("Quiet") else {"Deleted": deleted})


DELETE = ACCESS["DeleteObject"]
_CONDITIONS = ("IfMatchLastModifiedTime", "IfMatchSize", "LastModifiedTime", "Size")


def _attempt(
    db: sqlite3.Connection, call: Call, bucket: Doc, one: Any, bypass: bool, deleted: list[Doc], errors: list[Doc]
) -> None:
    """One of many: what fails is reported beside what was deleted."""
    try:
        names.check_key(one["Key"])
        _refuse(one)
        wanted = {**one, "Bucket": bucket["Name"], "BypassGovernanceRetention": bypass}
        for need in DELETE:
            if need.asked(call, wanted):
                call.demand(need, wanted)
        deleted.append(_delete(db, call, bucket, one["Key"], one.get("VersionId"), one.get("ETag"), bypass))
    except AwsError as error:
        failed = {"Key": one["Key"], "VersionId": one.get("VersionId"), "Code": error.code, "Message": error.message}
        errors.append(failed)


def _refuse(request: Any) -> None:
    """Conditions that S3 itself knows in directory buckets only."""
    if any(name in request for name in _CONDITIONS):
        message = "A header you provided implies functionality that is not implemented"
        raise AwsError("NotImplemented", message, 501)


def _delete(
    db: sqlite3.Connection, call: Call, bucket: Doc, key: str, name: str | None, condition: str | None, bypass: bool
) -> Doc:
    """What happened, as a line of DeleteObjects says it. What is not there counts as deleted."""
    bucket_name, now = bucket["Name"], call.now.timestamp()
    if condition:
        found = versions.named(db, bucket_name, key, name) if name else versions.current(db, bucket_name, key)
        conditions.check_write({"IfMatch": condition, "Key": key}, found)
    if name:
        found = versions.named(db, bucket_name, key, name)
        if found and retention.protected(found.members, call.now, bypass):
            raise retention.refused()
        return _delete_version(db, bucket_name, key, name, now)
    if (status := bucket.get("Versioning")) is None:
        versions.remove(db, bucket_name, key, versions.NULL, now)
        return {"Key": key}
    marker = versions.write(db, bucket_name, key, Fresh(None), now, status, call.ids.new())
    return {"Key": key, "DeleteMarker": True, "DeleteMarkerVersionId": marker}


def _delete_version(db: sqlite3.Connection, bucket: str, key: str, name: str, now: float) -> Doc:
    if name != versions.NULL and not is_version(name):
        message = "Invalid version id specified"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="versionId", ArgumentValue=name)
    gone = versions.remove(db, bucket, key, name, now)
    result: Doc = {"Key": key, "VersionId": name}
    if gone and gone.body is None:
        result |= {"DeleteMarker": True, "DeleteMarkerVersionId": name}
    return result
