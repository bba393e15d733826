"""CopyObject and UploadPartCopy. A body never changes: a copy of a whole object is a second row that names it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from skylab.services.call import Call
from skylab.services.s3 import conditions, names, tags, uploads, versions
from skylab.services.s3.common import (
    Doc,
    bodies,
    checksum_members,
    checksums_of,
    find_bucket,
    find_version,
    index,
    keeper,
    shown_version,
    stored_members,
    when,
)
from skylab.services.s3.digests import Digest, member
from skylab.services.s3.multipart import check_number, publish_part
from skylab.services.s3.objects import COLD, visible
from skylab.services.s3.receiving import LARGEST
from skylab.services.s3.versions import Fresh, Version
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

_PIECE = 1024 * 1024
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]+)")


class Copies:
    def copy_object(self, call: Call, request: CopyObjectRequest) -> Doc:
        names.check_key(request["Key"])
        conditions.check_form(request)
        find_bucket(call, request)
        while True:
            source, shown = _source(call, request)
            if source.size > LARGEST:
                message = (
                    f"The specified copy source is larger than the maximum allowable size for a copy source: {LARGEST}"
                )
                raise AwsError("InvalidRequest", message, 400)
            fresh = _fresh(call, request, source)
            with index(call).writing() as db:
                if versions.is_named(db, fresh.body or 0):  # else it was replaced just now, and is about to go
                    version = visible(db, call, request, fresh)
                    break
        keeper(call).note()
        result = {"ETag": fresh.etag, "LastModified": when(int(call.now.timestamp())), **checksums_of(fresh.meta or {})}
        return {"CopyObjectResult": result, "VersionId": version, "CopySourceVersionId": shown}

    def upload_part_copy(self, call: Call, request: UploadPartCopyRequest) -> Doc:
        check_number(request["PartNumber"])
        find_bucket(call, request)
        with index(call).reading() as db:
            meta = uploads.find(db, request).members
        source, shown = _source(call, request)
        start, length = _range(request.get("CopySourceRange"), source.size)
        digest, draft = Digest(meta["_algorithm"]), bodies(call).draft()
        with draft:
            for piece in _pieces(call, source, start, length):
                draft.write(piece)
                digest.update(piece)
            publish_part(call, request, draft, digest)
        result = {"ETag": digest.etag, "LastModified": when(int(call.now.timestamp()))}
        if meta["_chosen"]:
            result[member(digest.algorithm)] = digest.checksum()
        return {"CopyPartResult": result, "CopySourceVersionId": shown}


def _source(call: Call, request: Any) -> tuple[Version, str | None]:
    """The version that is copied from, and its id as the answer shows it."""
    bucket_name, key, name = parse(request["CopySource"])
    bucket = find_bucket(call, request, bucket_name, "ExpectedSourceBucketOwner")
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


def _fresh(call: Call, request: Any, source: Version) -> Fresh:
    meta, tagged = _members(request, source), _tags(request, source)
    wanted = request.get("ChecksumAlgorithm", "").lower()
    kept = checksums_of(source.members)
    # An ETag and a checksum of parts are of the upload; a copy is one whole, and has those of a whole.
    if "-" in source.etag or kept.get("ChecksumType") == "COMPOSITE" or (wanted and member(wanted) not in kept):
        current = next((name.removeprefix("Checksum") for name in kept if name != "ChecksumType"), "CRC64NVME")
        digest = Digest(wanted or current.lower())
        for piece in _pieces(call, source, 0, source.size):
            digest.update(piece)
        return Fresh(source.body, source.size, digest.etag, meta | checksum_members(digest), tagged)
    return Fresh(source.body, source.size, source.etag, meta | kept, tagged)


def _members(request: Any, source: Version) -> Doc:
    given = stored_members(request)
    replace = _directive(request, "MetadataDirective")
    changed = replace or any(request.get(name) for name in ("StorageClass", "WebsiteRedirectLocation"))
    same = (source.bucket, source.key) == (request["Bucket"], request["Key"]) and source.latest
    if same and not changed:
        message = "This copy request is illegal because it is trying to copy an object to itself without changing the "
        message += "object's metadata, storage class, website redirect location or encryption attributes."
        raise AwsError("InvalidRequest", message, 400)
    if replace:
        return given
    own = {"StorageClass", "WebsiteRedirectLocation"}  # never copied: they are of the request
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


def _pieces(call: Call, source: Version, start: int, length: int) -> Any:
    """The bytes, a piece at a time; once it is open, a body that is replaced can still be read."""
    with bodies(call).path(source.body or 0).open("rb") as file:
        file.seek(start)
        while length and (piece := file.read(min(length, _PIECE))):
            length -= len(piece)
            yield piece
