"""PutObject, GetObject, HeadObject: a body in, a span of one out.

The order of effects of a write: the body's file, then its row. A kill in between leaves a file that nothing names, and
the next opening takes it away; a replaced body stays for a while after the commit, for answers yet to open it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.s3 import conditions, names, retention, tags, versions
from skylab.services.s3.bodies import Draft
from skylab.services.s3.common import (
    SYSTEM,
    Doc,
    bodies,
    checksum_members,
    checksums_of,
    customer_digest,
    encryption_of,
    find_bucket,
    find_object,
    index,
    keeper,
    keys,
    shown_version,
    stored_members,
    when,
)
from skylab.services.s3.digests import Promise
from skylab.services.s3.keys import ObjectKey, is_local
from skylab.services.s3.lifecycle import expiration
from skylab.services.s3.opened import INLINE, Answer
from skylab.services.s3.receiving import apart, aside, receive
from skylab.services.s3.versions import Fresh, Version
from skylab.services.s3.wish import CUSTOMER, S3, Wish, check_read, customer_key_to_read, wished
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

COLD = ("GLACIER", "DEEP_ARCHIVE")


class Objects:
    async def put_object(self, call: Call, request: PutObjectRequest) -> Doc:
        names.check_key(request["Key"])
        conditions.check_form(request)
        meta, tagged = stored_members(request), tags.from_header(request.get("Tagging"))
        promise = Promise(request, call.http.headers)
        bucket = find_bucket(call, request)
        meta |= retention.asked(request, bucket, call.now, promise.made)
        wish = wished(call, request, bucket, "s3:PutObject")
        key = await new_key(call, request, wish)
        draft, digest = await receive(bodies(call), key.layers, request.get("Body", b""), promise)
        meta |= (shown := checksum_members(digest)) | key.members
        fresh = Fresh(draft.body, digest.size, key.etag(digest), meta, tagged)
        if call.settings.durability == "power":
            version = await aside(lambda: publish(call, request, draft, fresh))
        else:
            version = publish(call, request, draft, fresh)
        return {"ETag": fresh.etag, "VersionId": version, **shown, **encrypted(key.members, request, wish)}

    async def head_object(self, call: Call, request: HeadObjectRequest) -> Doc:
        bucket = find_bucket(call, request)
        with index(call).reading() as db:
            version = find_object(db, request, "HEAD")
            conditions.check_read(request, version)
            start, length, extra = selected(db, request, version)
        await readable(call, request, version, request.get("ChecksumMode") == "ENABLED")
        return shown(call, bucket, version, request) | {"ContentLength": length} | extra

    async def get_object(self, call: Call, request: GetObjectRequest) -> Doc:
        bucket = find_bucket(call, request)
        with index(call).reading() as db:
            version = find_object(db, request, "GET")
            conditions.check_read(request, version)
            start, length, extra = selected(db, request, version)
        result = shown(call, bucket, version, request) | {"ContentLength": length} | extra
        if result.get("StorageClass") in COLD:
            message = "The operation is not valid for the object's storage class"
            raise AwsError("InvalidObjectState", message, 403, StorageClass=result["StorageClass"])
        layers = await layers_of(call, version, _may_read(call, request, version))
        return result | {"Body": await answer(call, version, layers, start, length)}


async def new_key(call: Call, request: Any, wish: Wish) -> ObjectKey:
    local = wish.mode in (S3, CUSTOMER)
    return await apart(local, lambda: keys(call).make(call, wish, request["Bucket"], request["Key"]))


async def layers_of(call: Call, version: Version, customer: bytes | None) -> tuple[bytes, ...]:
    """The keys of a version's body; AccessDenied, or KMS's word, for who may not have them."""
    meta, name = version.members, (version.bucket, version.key)
    return await apart(is_local(meta), lambda: keys(call).open(call, meta, *name, customer))


async def readable(call: Call, request: Any, version: Version, content: bool) -> None:
    """Who asks about an object brings its customer's key; who asks for its checksum could as well read it (content)."""
    customer = _may_read(call, request, version)
    if content or customer is not None:
        await layers_of(call, version, customer)


async def answer(call: Call, version: Version, layers: Sequence[bytes], start: int, length: int) -> bytes | Answer:
    assert version.body is not None
    opened = bodies(call).opened(version.body, layers, version.size)
    if length <= INLINE:
        try:
            return bytes(opened.read(start, length))
        finally:
            opened.close()
    stream = Answer(opened, start, length)
    await stream.begin()
    return stream


def _may_read(call: Call, request: Any, version: Version) -> bytes | None:
    """The customer's key, where the version needs one. InvalidRequest, InvalidArgument for wrong headers."""
    check_read(call)
    return customer_key_to_read(call, request, version.members)


def encrypted(members: Doc, request: Any, wish: Wish) -> Doc:
    """What the answer to a write says of encryption."""
    context = request.get("SSEKMSEncryptionContext") if wish.context else None
    return encryption_of(members, request) | {"SSEKMSEncryptionContext": context}


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
    if kept := retention.by_default(bucket, fresh.meta or {}, call.now):
        fresh = replace(fresh, meta=(fresh.meta or {}) | kept)
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


def shown(call: Call, bucket: Doc, version: Version, request: Any) -> Doc:
    """What a GetObject or HeadObject says of a version, but for its body."""
    meta = version.members
    secret = retention.unseen(call, request, meta)
    result = {name: value for name, value in meta.items() if not name.startswith("Checksum") and name not in secret}
    result |= customer_digest(meta, request)
    partial = request.get("Range") or request.get("PartNumber")
    if request.get("ChecksumMode") == "ENABLED" and not partial:
        result |= checksums_of(meta)
    result |= {"ETag": version.etag, "LastModified": when(version.modified), "AcceptRanges": "bytes"}
    if version.tags:
        result["TagCount"] = len(version.tag_set)
    if (name := shown_version(bucket, version.name)) is not None:
        result["VersionId"] = name
    result |= expiration(bucket, version)
    for name in SYSTEM:
        if (value := request.get(f"Response{name}")) is not None:
            result[name] = value
    return result
