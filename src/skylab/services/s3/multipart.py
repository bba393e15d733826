"""Multipart uploads up to their completion: each part is a body of its own, under its upload and number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.store import dump, load
from skylab.services.call import Call
from skylab.services.s3 import names, retention, tags, uploads
from skylab.services.s3.bodies import Draft
from skylab.services.s3.common import (
    Doc,
    bodies,
    canonical,
    display,
    encryption_of,
    find_bucket,
    index,
    keeper,
    keys,
    stored_members,
    when,
)
from skylab.services.s3.digests import DEFAULT, Digest, Promise, member
from skylab.services.s3.keys import ObjectKey, is_local
from skylab.services.s3.listings import Row, behind, echo, encoder, form, name_of, page, rolled, walk
from skylab.services.s3.objects import encrypted, new_key
from skylab.services.s3.receiving import apart, aside, receive
from skylab.services.s3.uploads import Upload
from skylab.services.s3.wish import customer_key, wished
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skylab.shapes.s3 import *

PARTS = 10_000
_COMPOSITE = ("CRC32", "CRC32C", "SHA1", "SHA256", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128")
_FULL_OBJECT = ("CRC32", "CRC32C", "CRC64NVME")


class Uploads:
    async def create_multipart_upload(self, call: Call, request: CreateMultipartUploadRequest) -> Doc:
        names.check_key(request["Key"])
        meta, tagged = stored_members(request), tags.from_header(request.get("Tagging"))
        algorithm, kind = _checksum(request)
        meta |= {"_algorithm": (algorithm or DEFAULT).lower(), "_type": kind, "_chosen": bool(algorithm)}
        found = find_bucket(call, request)
        meta |= retention.asked(request, found, call.now, summed=True)  # of each part
        wish = wished(call, request, found, "s3:PutObject")
        meta |= (made := await new_key(call, request, wish)).members
        bucket, key, now = request["Bucket"], request["Key"], int(call.now.timestamp())
        id = f"{now:010x}{index(call).number():016x}{call.ids.new()}"
        row = Upload(
            bucket, key, id, now, call.principal.arn, dump(tagged) if tagged else None, dump(meta), None, None
        )  # fmt: skip
        with index(call).writing() as db:
            find_bucket(call, request)
            uploads.begin(db, row)
        keeper(call).note()
        result = {"Bucket": bucket, "Key": key, "UploadId": id, **encrypted(made.members, request, wish)}
        return result | ({"ChecksumAlgorithm": algorithm, "ChecksumType": kind} if algorithm else {})

    async def upload_part(self, call: Call, request: UploadPartRequest) -> Doc:
        check_number(request["PartNumber"])
        find_bucket(call, request)
        with index(call).reading() as db:
            upload = uploads.find(db, request)
        algorithm = upload.members["_algorithm"]
        promise = Promise(request, call.http.headers, algorithm)
        _check_algorithm(upload, promise)
        key = await apart(is_local(upload.members), lambda: key_of(call, request, upload))
        draft, digest = await receive(bodies(call), key.layers, request.get("Body", b""), promise, algorithm)
        if call.settings.durability == "power":
            await aside(lambda: publish_part(call, request, draft, digest, key))
        else:
            publish_part(call, request, draft, digest, key)
        shown = {"ETag": key.etag(digest), member(promise.algorithm): digest.checksum(promise.algorithm)}
        return shown | encryption_of(key.members, request)

    def abort_multipart_upload(self, call: Call, request: AbortMultipartUploadRequest) -> None:
        if "IfMatchInitiatedTime" in request:
            raise AwsError("NotImplemented", "x-amz-if-match-initiated-time is of directory buckets only", 501)
        find_bucket(call, request)
        with index(call).writing() as db:
            uploads.drop(db, uploads.find(db, request), call.now.timestamp())
        keeper(call).note()

    def list_parts(self, call: Call, request: ListPartsRequest) -> Doc:
        owner = display(find_bucket(call, request))
        _, _, most = form(request, "MaxParts")
        marker = request.get("PartNumberMarker", 0)
        with index(call).reading() as db:
            upload = uploads.find(db, request)
            found = uploads.parts(db, upload.id, marker, most + 1)
        meta, chosen = upload.members, found[:most]
        result = {
            "Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.id, "PartNumberMarker": marker,
            "MaxParts": most,
            "IsTruncated": len(found) > most > 0, "NextPartNumberMarker": chosen[-1].number if chosen else 0,
            "Parts": [_part(one, meta) for one in chosen],
            "StorageClass": meta.get("StorageClass", "STANDARD"),
            "Owner": owner, "Initiator": _initiator(upload.initiator),
        }  # fmt: skip
        return result | _kind(meta)

    def list_multipart_uploads(self, call: Call, request: ListMultipartUploadsRequest) -> Doc:
        owner = display(find_bucket(call, request))
        prefix, delimiter, most = form(request, "MaxUploads")
        encode, marker, id = encoder(request), request.get("KeyMarker", ""), request.get("UploadIdMarker", "")
        id = id if marker else ""  # without a key it means nothing

        def rows(bound: str) -> Iterator[Row]:
            given = {
                "bucket": request["Bucket"],
                "bound": bound,
                "end": names.after(prefix),
                "marker": marker,
                "id": id,
            }
            return db.execute(_UPLOADS, given)

        with index(call).reading() as db:
            start = marker if id else behind(marker, prefix, delimiter)
            items, truncated = page(walk(rows, prefix, delimiter, start), most)
        result = echo(request, encode, "MaxUploads", most) | {
            "Bucket": request["Bucket"], "KeyMarker": encode(marker), "UploadIdMarker": id, "IsTruncated": truncated,
            "Uploads": [_line(owner, encode(row[0]), row) for row in items if not isinstance(row, str)],
            "CommonPrefixes": rolled(items, encode),
        }  # fmt: skip
        if truncated:
            last = items[-1]
            result["NextKeyMarker"] = encode(name_of(last))
            result["NextUploadIdMarker"] = "" if isinstance(last, str) else last[1]
        return result


_UPLOADS = """
select key, id, initiated, initiator, meta from upload
where bucket = :bucket and done is null and key >= :bound and (:end is null or key < :end)
and (:id = '' or key <> :marker or id > :id) order by key, id
"""


def key_of(call: Call, request: Any, upload: Upload) -> ObjectKey:
    """The key that all parts of an upload are sealed under; an upload of SSE-C wants the same key with each."""
    meta, customer = upload.members, customer_key(call, request)
    if ("SSECustomerAlgorithm" in meta) != (customer is not None):
        message = "The multipart upload initiate requested encryption. Subsequent part requests must include the "
        raise AwsError("InvalidRequest", f"{message}appropriate encryption parameters.", 400)
    try:
        return ObjectKey(keys(call).open(call, meta, upload.bucket, upload.key, customer), meta)
    except AwsError as error:
        if customer is None:
            raise
        message = "The provided encryption parameters did not match the ones used originally."
        raise AwsError("InvalidRequest", message, 400) from error


def publish_part(call: Call, request: Any, draft: Draft, digest: Digest, key: ObjectKey) -> None:
    """First the file, then the row; the upload may be gone by now."""
    part = uploads.Part(
        request["PartNumber"], draft.body, digest.size, key.etag(digest), int(call.now.timestamp()), digest.checksum()
    )
    with draft:
        file = bodies(call).file(draft.keep())
        with index(call).writing() as db:
            uploads.put_part(db, uploads.find(db, request).id, part, call.now.timestamp())
    keeper(call).note(file)


def check_number(number: int) -> None:
    if not 1 <= number <= PARTS:
        message = f"Part number must be an integer between 1 and {PARTS}, inclusive"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="partNumber", ArgumentValue=str(number))


def _check_algorithm(upload: Upload, promise: Promise) -> None:
    """Parts come with the checksum that their upload was begun with, or with any where it chose none."""
    meta = upload.members
    if meta["_chosen"] and promise.stated not in (None, meta["_algorithm"]):
        message = f"expected checksum Type: {meta['_algorithm']}, actual checksum Type: {promise.stated}"
        raise AwsError("InvalidRequest", f"Checksum Type mismatch occurred, {message}", 400)


def _checksum(request: Any) -> tuple[str | None, str]:
    """(algorithm, type) of an upload: CRC64NVME of the whole object when nothing is asked for."""
    algorithm, kind = request.get("ChecksumAlgorithm"), request.get("ChecksumType")
    if algorithm is None:
        if kind:
            message = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            raise AwsError("InvalidRequest", message, 400)
        return None, "FULL_OBJECT"
    if algorithm not in (*_COMPOSITE, *_FULL_OBJECT):
        message = "Checksum algorithm provided is unsupported."
        raise AwsError("InvalidRequest", message, 400)
    kind = kind or ("COMPOSITE" if algorithm in _COMPOSITE else "FULL_OBJECT")
    if algorithm not in (_COMPOSITE if kind == "COMPOSITE" else _FULL_OBJECT):
        message = f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        raise AwsError("InvalidRequest", message, 400)
    return algorithm, kind


def _kind(meta: Doc) -> Doc:
    return {"ChecksumAlgorithm": meta["_algorithm"].upper(), "ChecksumType": meta["_type"]} if meta["_chosen"] else {}


def _initiator(arn: str) -> Doc:
    root = arn.endswith(":root")
    return {"ID": canonical(arn.split(":")[4]) if root else arn, "DisplayName": arn.rpartition("/")[2]}


def _part(part: uploads.Part, meta: Doc) -> Doc:
    shown = {"PartNumber": part.number, "Size": part.size, "ETag": part.etag, "LastModified": when(part.modified)}
    return shown | ({member(meta["_algorithm"]): part.checksum} if meta["_chosen"] else {})


def _line(owner: Doc, key: str, row: Row) -> Doc:
    _, id, initiated, initiator, text = row
    meta = load(text)
    return {
        "Key": key, "UploadId": id, "Initiated": when(initiated), "StorageClass": meta.get("StorageClass", "STANDARD"),
        "Owner": owner, "Initiator": _initiator(initiator), **_kind(meta),
    }  # fmt: skip
