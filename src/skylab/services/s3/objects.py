"""PutObject, GetObject, HeadObject: a body in, a span of a file out.

The order of effects of a write: the body's file, then its row. A kill in between leaves a file that nothing names, and
the next opening takes it away; a replaced body stays for a while after the commit, for answers yet to open it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.s3 import conditions, names, tags, versions
from skylab.services.s3.bodies import Draft
from skylab.services.s3.common import (
    SYSTEM,
    Doc,
    bodies,
    checksum_members,
    checksums_of,
    find_bucket,
    find_object,
    index,
    keeper,
    shown_version,
    stored_members,
    when,
)
from skylab.services.s3.digests import Promise
from skylab.services.s3.receiving import SMALL, aside, receive
from skylab.services.s3.versions import Fresh, Version
from skylab.wire.errors import AwsError
from skylab.wire.http import FileSpan

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

COLD = ("GLACIER", "DEEP_ARCHIVE")


class Objects:
    async def put_object(self, call: Call, request: PutObjectRequest) -> Doc:
        names.check_key(request["Key"])
        conditions.check_form(request)
        meta, tagged = stored_members(request), tags.from_header(request.get("Tagging"))
        promise = Promise(request, call.http.headers)
        if promise.length is None or promise.length > SMALL:  # else it is soon enough when the row is written
            find_bucket(call, request)
        draft, digest = await receive(bodies(call), request.get("Body", b""), promise)
        meta |= (shown := checksum_members(digest))
        fresh = Fresh(draft.body, digest.size, digest.etag, meta, tagged)
        if call.settings.durability == "power":
            version = await aside(lambda: publish(call, request, draft, fresh))
        else:
            version = publish(call, request, draft, fresh)
        return {"ETag": digest.etag, "VersionId": version, **shown}

    def head_object(self, call: Call, request: HeadObjectRequest) -> Doc:
        bucket = find_bucket(call, request)
        with index(call).reading() as db:
            version = find_object(db, request, "HEAD")
            conditions.check_read(request, version)
            start, length, extra = selected(db, request, version)
        return shown(bucket, version, request) | {"ContentLength": length} | extra

    async def get_object(self, call: Call, request: GetObjectRequest) -> Doc:
        bucket = find_bucket(call, request)
        with index(call).reading() as db:
            version = find_object(db, request, "GET")
            conditions.check_read(request, version)
            start, length, extra = selected(db, request, version)
        result = shown(bucket, version, request) | {"ContentLength": length} | extra
        if result.get("StorageClass") in COLD:
            message = "The operation is not valid for the object's storage class"
            raise AwsError("InvalidObjectState", message, 403, StorageClass=result["StorageClass"])
        assert version.body is not None
        return result | {"Body": FileSpan(bodies(call).path(version.body), start, length) if length else b""}


def publish(call: Call, request: Any, draft: Draft, fresh: Fresh) -> str | None:
    """The draft becomes a body and the body an object, in this order; the version id as the answer shows it."""
    with draft:
        file = bodies(call).file(draft.keep())
        with index(call).writing() as db:
            name = visible(db, call, request, fresh)
    keeper(call).note(file)
    return name


def visible(db: Any, call: Call, request: Any, fresh: Fresh) -> str | None:
    """Inside a transaction: the bucket still exists and the conditions still hold, and fresh is the object."""
    bucket = find_bucket(call, request)
    name, key = request["Bucket"], request["Key"]
    if request.get("IfMatch") or request.get("IfNoneMatch"):
        conditions.check_write(request, versions.current(db, name, key))
    version = versions.write(db, name, key, fresh, call.now.timestamp(), bucket.get("Versioning"), call.ids.new())
    return shown_version(bucket, version)


def selected(db: Any, request: Any, version: Version) -> tuple[int, int, Doc]:
    """(offset, length) of what is asked for, and what an answer says of it."""
    wanted, number = request.get("Range"), request.get("PartNumber")
    if wanted and number:
        raise AwsError("InvalidRequest", "Cannot specify both Range header and partNumber query parameter", 400)
    extra: Doc = {}
    if number:
        start, length, extra = _part(versions.parts_of(db, version), number, version.size)
    elif found := conditions.span(wanted, version.size):
        start, length = found
    else:
        return 0, version.size, extra
    if length:
        extra["ContentRange"] = f"bytes {start}-{start + length - 1}/{version.size}"
    return start, length, extra


def _part(parts: list[list[Any]], number: int, size: int) -> tuple[int, int, Doc]:
    """Parts count from 1 in the order they were put together; an object that was not uploaded in parts is one."""
    sizes = [part[1] for part in parts] or [size]
    if not 1 <= number <= len(sizes):
        raise AwsError(
            "InvalidPartNumber", "The requested partnumber is not satisfiable", 416, PartNumberRequested=str(number)
        )
    return sum(sizes[: number - 1]), sizes[number - 1], {"PartsCount": len(sizes)} if parts else {}


def shown(bucket: Doc, version: Version, request: Any) -> Doc:
    """What a GetObject or HeadObject says of a version, but for its body."""
    meta = version.members
    result = {name: value for name, value in meta.items() if not name.startswith("Checksum")}
    partial = request.get("Range") or request.get("PartNumber")
    if request.get("ChecksumMode") == "ENABLED" and not partial:
        result |= checksums_of(meta)
    result |= {"ETag": version.etag, "LastModified": when(version.modified), "AcceptRanges": "bytes"}
    if version.tags:
        result["TagCount"] = len(version.tag_set)
    if (name := shown_version(bucket, version.name)) is not None:
        result["VersionId"] = name
    for name in SYSTEM:
        if (value := request.get(f"Response{name}")) is not None:
            result[name] = value
    return result
