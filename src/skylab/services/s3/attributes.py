"""What can be asked about an object beside its body: tags, attributes, and its unchangeable access list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.store import dump
from skylab.services.call import Call
from skylab.services.s3 import tags, versions
from skylab.services.s3.common import (
    Doc,
    checksums_of,
    display,
    find_bucket,
    find_object,
    index,
    keeper,
    shown_version,
    when,
)
from skylab.services.s3.digests import verify
from skylab.services.s3.listings import MOST
from skylab.services.s3.objects import readable
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

_KNOWN = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")


class Attributes:
    def get_object_tagging(self, call: Call, request: GetObjectTaggingRequest) -> Doc:
        bucket = find_bucket(call, request)
        with index(call).reading() as db:
            found = find_object(db, request, "GET")
        return {"TagSet": found.tag_set, "VersionId": shown_version(bucket, found.name)}

    def put_object_tagging(self, call: Call, request: PutObjectTaggingRequest) -> Doc:
        verify(call, request)
        return _set_tags(call, request, "PUT", tags.check(request["Tagging"]["TagSet"], tags.OBJECT_TAGS))

    def delete_object_tagging(self, call: Call, request: DeleteObjectTaggingRequest) -> Doc:
        return _set_tags(call, request, "DELETE", [])

    async def get_object_attributes(self, call: Call, request: GetObjectAttributesRequest) -> Doc:
        wanted = request["ObjectAttributes"]
        if not wanted or any(name not in _KNOWN for name in wanted):
            message = "Invalid attribute name specified."
            raise AwsError("InvalidArgument", message, 400, ArgumentName="x-amz-object-attributes")
        bucket = find_bucket(call, request)
        with index(call).reading() as db:
            found = find_object(db, request, "GET")
            parts = versions.parts_of(db, found)
        await readable(call, request, found, "Checksum" in wanted)
        checksum = checksums_of(meta := found.members)
        every: Doc = {
            "ETag": found.etag.strip('"'), "Checksum": checksum, "ObjectSize": found.size,
            "StorageClass": meta.get("StorageClass", "STANDARD"),
            "ObjectParts": _parts(request, parts, checksum) if parts else None,
        }  # fmt: skip
        result = {name: every[name] for name in wanted}
        return result | {"LastModified": when(found.modified), "VersionId": shown_version(bucket, found.name)}

    def get_bucket_acl(self, call: Call, request: GetBucketAclRequest) -> Doc:
        return _owner_only(find_bucket(call, request))

    def get_object_acl(self, call: Call, request: GetObjectAclRequest) -> Doc:
        bucket = find_bucket(call, request)
        with index(call).reading() as db:
            find_object(db, request, "GET")
        return _owner_only(bucket)


def _set_tags(call: Call, request: Any, method: str, tagged: list[dict[str, str]]) -> Doc:
    with index(call).writing() as db:
        bucket = find_bucket(call, request)
        found = find_object(db, request, method)
        db.execute(
            "update version set tags = ? where bucket = ? and key = ? and seq = ?",
            (dump(tagged) if tagged else None, found.bucket, found.key, found.seq),
        )
    keeper(call).note()
    return {"VersionId": shown_version(bucket, found.name)}


def _parts(request: Any, parts: list[list[Any]], checksum: Doc) -> Doc:
    """A page of the parts that a multipart object was put together from."""
    most, marker = min(request.get("MaxParts", MOST), MOST), request.get("PartNumberMarker", 0)
    name = next((name for name in checksum if name != "ChecksumType"), "")
    left = [part for part in parts if part[0] > marker]
    page = left[:most]
    return {
        "TotalPartsCount": len(parts), "PartNumberMarker": marker, "MaxParts": most, "IsTruncated": len(left) > most,
        "NextPartNumberMarker": page[-1][0] if page else 0,
        "Parts": [{"PartNumber": number, "Size": size, name: value} for number, size, value in page],
    }  # fmt: skip


def _owner_only(bucket: Doc) -> Doc:
    """Access control lists are off (BucketOwnerEnforced): the owner has everything, and policies say the rest."""
    owner = display(bucket)
    return {"Owner": owner, "Grants": [{"Grantee": {"Type": "CanonicalUser", **owner}, "Permission": "FULL_CONTROL"}]}
