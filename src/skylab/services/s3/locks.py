"""Object Lock's operations: a bucket's configuration, a version's retention and legal hold."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from skylab.kernel.store import dump
from skylab.services.call import Call
from skylab.services.s3 import retention
from skylab.services.s3.buckets import change
from skylab.services.s3.common import Doc, find_bucket, find_object, index, keeper
from skylab.services.s3.digests import verify
from skylab.services.s3.retention import COMPLIANCE, HOLD, MODE, UNTIL
from skylab.services.s3.versions import Version
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

LONGEST = {"Days": 36_500, "Years": 100}


class Locks:
    def get_object_lock_configuration(self, call: Call, request: GetObjectLockConfigurationRequest) -> Doc:
        if (lock := find_bucket(call, request).get("_lock")) is None:
            message = "Object Lock configuration does not exist for this bucket"
            raise AwsError("ObjectLockConfigurationNotFoundError", message, 404, BucketName=request["Bucket"])
        return {"ObjectLockConfiguration": lock}

    def put_object_lock_configuration(self, call: Call, request: PutObjectLockConfigurationRequest) -> None:
        """Once it is on it stays on: only the default retention changes."""
        verify(call, request)
        given = request.get("ObjectLockConfiguration") or {}
        if given.get("ObjectLockEnabled") != "Enabled":
            raise _malformed()
        if find_bucket(call, request).get("Versioning") != "Enabled":
            message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
            raise AwsError("InvalidBucketState", message, 409)
        lock: Doc = {"ObjectLockEnabled": "Enabled"}
        if "Rule" in given:
            lock["Rule"] = {"DefaultRetention": _default(given["Rule"].get("DefaultRetention") or {})}
        change(call, request, _lock=lock)

    def get_object_retention(self, call: Call, request: GetObjectRetentionRequest) -> Doc:
        meta = _locked(call, request, "GET").members
        if MODE not in meta:
            raise _none()
        return {"Retention": {"Mode": meta[MODE], "RetainUntilDate": meta[UNTIL]}}

    def put_object_retention(self, call: Call, request: PutObjectRetentionRequest) -> None:
        verify(call, request)
        wanted = _retention(call, request.get("Retention") or {})
        with index(call).writing() as db:
            found = _locked(call, request, "PUT", db)
            meta = found.members
            weaker = not wanted or wanted[UNTIL] < meta.get(UNTIL, wanted[UNTIL]) or _softer(meta, wanted)
            bypass = bool(request.get("BypassGovernanceRetention"))
            if weaker and retention.protected({**meta, HOLD: "OFF"}, call.now, bypass):
                raise retention.refused()
            meta = {name: value for name, value in meta.items() if name not in (MODE, UNTIL)}
            _write(db, found, meta | wanted)
        keeper(call).note()

    def get_object_legal_hold(self, call: Call, request: GetObjectLegalHoldRequest) -> Doc:
        meta = _locked(call, request, "GET").members
        if HOLD not in meta:
            raise _none()
        return {"LegalHold": {"Status": meta[HOLD]}}

    def put_object_legal_hold(self, call: Call, request: PutObjectLegalHoldRequest) -> None:
        verify(call, request)
        if not (status := (request.get("LegalHold") or {}).get("Status")):
            raise _malformed()
        with index(call).writing() as db:
            found = _locked(call, request, "PUT", db)
            _write(db, found, found.members | {HOLD: status})
        keeper(call).note()


def _locked(call: Call, request: Any, method: str, db: sqlite3.Connection | None = None) -> Version:
    """The version of a bucket that has Object Lock. InvalidRequest where it has not."""
    retention.check_bucket(find_bucket(call, request))
    if db is not None:
        return find_object(db, request, method)
    with index(call).reading() as reading:
        return find_object(reading, request, method)


def _write(db: sqlite3.Connection, found: Version, meta: Doc) -> None:
    db.execute(
        "update version set meta = ? where bucket = ? and key = ? and seq = ?",
        (dump(meta), found.bucket, found.key, found.seq),
    )


def _softer(meta: Doc, wanted: Doc) -> bool:
    return meta.get(MODE) == COMPLIANCE and wanted[MODE] != COMPLIANCE


def _retention(call: Call, given: Any) -> Doc:
    """Both, or neither, which takes the retention away."""
    if not given:
        return {}
    if "Mode" not in given or "RetainUntilDate" not in given:
        raise _malformed()
    retention.check_future(given["RetainUntilDate"], call.now)
    return {MODE: given["Mode"], UNTIL: given["RetainUntilDate"]}


def _default(given: Any) -> Doc:
    periods = [name for name in LONGEST if name in given]
    if len(periods) != 1 or "Mode" not in given:
        raise _malformed()
    name = periods[0]
    if given[name] < 1:
        raise AwsError("InvalidArgument", "Default retention period must be a positive integer value", 400)
    if given[name] > LONGEST[name]:
        raise AwsError("InvalidArgument", f"Default retention period too large: at most {LONGEST[name]} {name}", 400)
    return {"Mode": given["Mode"], name: given[name]}


def _none() -> AwsError:
    message = "The specified object does not have a ObjectLock configuration"
    return AwsError("NoSuchObjectLockConfiguration", message, 404)


def _malformed() -> AwsError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return AwsError("MalformedXML", message, 400)
