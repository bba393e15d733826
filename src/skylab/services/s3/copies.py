"""CopyObject and UploadPartCopy. A body never changes: a copy of a whole object is a second row that names it.

So under SSE-S3, where the object's key is only sealed once more, for its second name. Everywhere else a copy is sealed
anew under a key of its own.
"""

from __future__ import annotations

import re
from contextlib import closing, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from skylab.services.call import Call
from skylab.services.s3 import conditions, names, retention, tags, uploads, versions
from skylab.services.s3.bodies import Draft
from skylab.services.s3.common import (
    Doc,
    bodies,
    checksum_members,
    checksums_of,
    encryption_of,
    find_bucket,
    find_version,
    index,
    keeper,
    keys,
    shown_version,
    stored_members,
    when,
)
from skylab.services.s3.digests import Digest, member
from skylab.services.s3.keys import MEMBERS
from skylab.services.s3.multipart import check_number, key_of, publish_part
from skylab.services.s3.objects import COLD, encrypted, publish, visible
from skylab.services.s3.opened import Opened
from skylab.services.s3.receiving import LARGEST, aside
from skylab.services.s3.versions import Fresh, Version
from skylab.services.s3.wish import S3, Wish, customer_key_to_read, wished
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

_CHANGES = ("StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption", "SSEKMSKeyId", "SSECustomerKey")
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]+)")


class Copies:
    async def copy_object(self, call: Call, request: CopyObjectRequest) -> Doc:
        return await aside(lambda: _copy(call, request))

    async def upload_part_copy(self, call: Call, request: UploadPartCopyRequest) -> Doc:
        return await aside(lambda: _copy_part(call, request))


def _copy(call: Call, request: Any) -> Doc:
    names.check_key(request["Key"])
    conditions.check_form(request)
    bucket = find_bucket(call, request)
    locked = retention.asked(request, bucket, call.now, summed=True)  # the body is S3's already
    wish = wished(call, request, bucket, "s3:CopyObject")
    while True:
        source, shown = _source(call, request)
        if source.size > LARGEST:
            message = (
                f"The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST}"
            )
            raise AwsError("InvalidRequest", message, 400)
        fresh, draft = _fresh(call, request, source, wish)
        fresh = replace(fresh, meta=(fresh.meta or {}) | locked)
        if draft is not None:
            version = publish(call, request, draft, fresh)
            break
        with index(call).writing() as db:
            if versions.is_named(db, fresh.body or 0):  # else it was replaced just now, and is about to go
                version = visible(db, call, request, fresh)
                break
    keeper(call).note()
    meta = fresh.meta or {}
    result = {"ETag": fresh.etag, "LastModified": when(int(call.now.timestamp())), **checksums_of(meta)}
    answer = {"CopyObjectResult": result, "VersionId": version, "CopySourceVersionId": shown}
    return answer | encrypted(meta, request, wish)


def _copy_part(call: Call, request: Any) -> Doc:
    check_number(request["PartNumber"])
    find_bucket(call, request)
    with index(call).reading() as db:
        upload = uploads.find(db, request)
    meta = upload.members
    source, shown = _source(call, request)
    start, length = _range(request.get("CopySourceRange"), source.size)
    key = key_of(call, request, upload)
    digest, draft = Digest(meta["_algorithm"]), bodies(call).draft(key.layers)
    with draft, _opened(call, source, _layers(call, request, source)) as opened:
        for piece in map(bytes, opened.pieces(start, length)):
            draft.write(piece)
            digest.update(piece)
        publish_part(call, request, draft, digest, key)
    result = {"ETag": key.etag(digest), "LastModified": when(int(call.now.timestamp()))}
    if meta["_chosen"]:
        result[member(digest.algorithm)] = digest.checksum()
    return {"CopyPartResult": result, "CopySourceVersionId": shown, **encryption_of(meta, request)}


def _layers(call: Call, request: Any, source: Version) -> tuple[bytes, ...]:
    customer = customer_key_to_read(call, request, source.members, "CopySource")
    return keys(call).open(call, source.members, source.bucket, source.key, customer)


def _opened(call: Call, source: Version, layers: tuple[bytes, ...]) -> closing[Opened]:
    """Once it is open, a body that is replaced can still be read."""
    return closing(bodies(call).opened(source.body or 0, layers, source.size))


def _source(call: Call, request: Any) -> tuple[Version, str | None]:
    """The version that is copied from, and its id as the answer shows it."""
    bucket_name, key, name = parse(request["CopySource"])
    bucket = find_bucket(call, request, bucket_name, "ExpectedSourceBucketOwner", anywhere=True)
    with index(call).reading() as db:
        found = find_version(db, {"Bucket": bucket_name, "Key": key, "VersionId": name})
    if found.body is None:
        message = "The source of a copy request may not specifically refer to a delete marker by version id."
        raise AwsError("InvalidRequest", message, 400)
    conditions.check_source(request, found)
    if (storage := found.members.get("StorageClass")) in COLD:
        message = "Operation is not valid for the source object's storage class"
        raise AwsError("InvalidObjectState", message, 403, StorageClass=storage)
    return found, shown_version(bucket, found.name)


def parse(source: str) -> tuple[str, str, str | None]:
    """bucket/key?versionId=id, percent-encoded, perhaps with a slash before it."""
    path, _, version = source.partition("?versionId=")
    bucket, _, key = unquote(path.removeprefix("/")).partition("/")
    if not bucket or not key or bucket.startswith("arn:"):
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="x-amz-copy-source", ArgumentValue=source)
    return bucket, key, version or None


def _fresh(call: Call, request: Any, source: Version, wish: Wish) -> tuple[Fresh, Draft | None]:
    """The copy, and its body where it has one of its own: under SSE-S3 on both sides it shares the source's."""
    meta, tagged, layers = _members(request, source), _tags(request, source), _layers(call, request, source)
    shared = wish.mode == source.members.get("ServerSideEncryption") == S3
    name = request["Bucket"], request["Key"]
    key = keys(call).again(layers, *name) if shared else keys(call).make(call, wish, *name)
    wanted = request.get("ChecksumAlgorithm", "").lower()
    kept = checksums_of(source.members)
    # An ETag and a checksum of parts are of the upload; a copy is one whole, and has those of a whole.
    parts = "-" in source.etag or kept.get("ChecksumType") == "COMPOSITE"
    if shared and not parts and (not wanted or member(wanted) in kept):
        return Fresh(source.body, source.size, source.etag, meta | kept | key.members, tagged), None
    current = next((name.removeprefix("Checksum") for name in kept if name != "ChecksumType"), "CRC64NVME")
    digest, draft = Digest(wanted or current.lower()), None if shared else bodies(call).draft(key.layers)
    with draft or nullcontext(), _opened(call, source, layers) as opened:
        for piece in map(bytes, opened.pieces(0, source.size)):
            digest.update(piece)
            if draft:
                draft.write(piece)
    members = meta | checksum_members(digest) | key.members
    return Fresh(draft.body if draft else source.body, source.size, key.etag(digest), members, tagged), draft


def _members(request: Any, source: Version) -> Doc:
    given = stored_members(request)
    replace = _directive(request, "MetadataDirective")
    changed = replace or any(request.get(name) for name in _CHANGES)
    same = (source.bucket, source.key) == (request["Bucket"], request["Key"]) and source.latest
    if same and not changed:
        message = "This copy request is illegal because it is trying to copy an object to itself without changing the "
        message += "object's metadata, storage class, website redirect location or encryption attributes."
        raise AwsError("InvalidRequest", message, 400)
    if replace:
        return given
    own = {
        "StorageClass",
        "WebsiteRedirectLocation",
        *MEMBERS,
        *retention.MEMBERS,
    }  # never copied: they are of the request
    kept = {
        name: value for name, value in source.members.items() if name not in own and not name.startswith("Checksum")
    }
    return kept | {name: value for name, value in given.items() if name in own}


def _tags(request: Any, source: Version) -> list[dict[str, str]] | None:
    if _directive(request, "TaggingDirective"):
        return tags.from_header(request.get("Tagging"))
    return source.tag_set


def _directive(request: Any, name: str) -> bool:
    """Whether it says REPLACE."""
    if (value := request.get(name, "COPY")) not in ("COPY", "REPLACE"):
        message = f"Unknown {'metadata' if name.startswith('M') else 'tagging'} directive."
        raise AwsError("InvalidArgument", message, 400, ArgumentName=name, ArgumentValue=value)
    return value == "REPLACE"


def _range(text: str | None, size: int) -> tuple[int, int]:
    if text is None:
        return 0, size
    if not (found := _RANGE.fullmatch(text)):
        message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
        raise AwsError("InvalidArgument", f"{message}zero-based offsets of the first and last bytes to copy", 400)
    first, last = int(found[1]), int(found[2])
    if first > last or last >= size:
        message = f"Range specified is not valid for source object of size: {size}"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="x-amz-copy-source-range", ArgumentValue=text)
    return first, last - first + 1
