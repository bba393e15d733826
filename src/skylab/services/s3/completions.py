"""CompleteMultipartUpload: the parts' files become one, then one transaction makes it the object and ends the upload.

A kill before the commit leaves the upload and its parts as they were; after it, the same request is answered from the
upload's row. The kernel copies the bytes; they do not pass through this process, and no checksum reads them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5
from typing import TYPE_CHECKING, Any

from skylab.kernel.store import load
from skylab.services.call import Call
from skylab.services.s3 import conditions, digests, uploads
from skylab.services.s3.bodies import Draft
from skylab.services.s3.common import Doc, bodies, find_bucket, index, keeper
from skylab.services.s3.objects import visible
from skylab.services.s3.uploads import Upload
from skylab.services.s3.versions import Fresh
from skylab.wire import checksums
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

SMALLEST = 5 * 1024 * 1024  # bytes of every part but the last


class Completions:
    def complete_multipart_upload(self, call: Call, request: CompleteMultipartUploadRequest) -> Doc:
        conditions.check_form(request)
        find_bucket(call, request)
        with index(call).reading() as db:
            upload = uploads.find(db, request, done=True)
            if upload.answer:
                return load(upload.answer)
            parts = _chosen(request, upload, {part.number: part for part in uploads.parts(db, upload.id)})
        checksum = _checksum(request, upload, parts)
        meta = {name: value for name, value in upload.members.items() if not name.startswith("_")} | checksum
        with bodies(call).draft() as draft:
            for part in parts:
                draft.append(bodies(call).file(part.body), part.size)
            fresh = Fresh(
                draft.body, sum(part.size for part in parts), _etag(parts), meta,
                load(upload.tags) if upload.tags else None, [[part.number, part.size, part.checksum] for part in parts],
            )  # fmt: skip
            return _publish(call, request, draft, fresh, checksum)


def _publish(call: Call, request: Any, draft: Draft, fresh: Fresh, checksum: Doc) -> Doc:
    file = bodies(call).file(draft.keep())
    with index(call).writing() as db:
        upload = uploads.find(db, request, done=True)
        if upload.answer:  # somebody else completed it meanwhile
            draft.discard()
            return load(upload.answer)
        version = visible(db, call, request, fresh)
        host = call.http.headers.get("host", "s3.amazonaws.com")
        answer: Doc = {
            "Location": f"{'https' if call.http.secure else 'http'}://{host}/{upload.bucket}/{upload.key}",
            "Bucket": upload.bucket, "Key": upload.key, "ETag": fresh.etag, "VersionId": version, **checksum,
        }  # fmt: skip
        uploads.complete(db, upload, answer, call.now.timestamp())
    keeper(call).note(file)
    return answer


def _chosen(request: Any, upload: Upload, known: dict[int, uploads.Part]) -> list[uploads.Part]:
    """The parts that the request lists, checked: InvalidPartOrder, InvalidPart, EntityTooSmall."""
    listed = (request.get("MultipartUpload") or {}).get("Parts") or []
    if not listed:
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise AwsError("MalformedXML", message, 400)
    numbers = [one.get("PartNumber", 0) for one in listed]
    if any(later <= earlier for earlier, later in zip(numbers, numbers[1:], strict=False)):
        message = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise AwsError("InvalidPartOrder", message, 400, UploadId=upload.id)
    meta = upload.members
    for number, one in zip(numbers, listed, strict=True):
        _check(upload, meta, known.get(number), one, number)
    parts = [known[number] for number in numbers]
    for part in parts[:-1]:
        if part.size < SMALLEST:
            message = "Your proposed upload is smaller than the minimum allowed size"
            raise AwsError(
                "EntityTooSmall", message, 400, ProposedSize=str(part.size), MinSizeAllowed=str(SMALLEST),
                PartNumber=str(part.number), ETag=part.etag.strip('"'),
            )  # fmt: skip
    return parts


def _check(upload: Upload, meta: Doc, part: uploads.Part | None, one: Any, number: int) -> None:
    stated = one.get(digests.member(meta["_algorithm"]))
    wrong = part is None or part.etag.strip('"') != one.get("ETag", "").strip('"')
    if part is None or wrong or (stated and meta["_chosen"] and stated != part.checksum):
        message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
        message += "specified entity tag may not match the part's entity tag."
        raise AwsError("InvalidPart", message, 400, UploadId=upload.id, PartNumber=str(number), ETag=one.get("ETag"))
    if not stated and meta["_chosen"] and meta["_type"] == "COMPOSITE":
        message = (
            f"The upload was created using a {meta['_algorithm']} checksum. The complete request must include the "
        )
        message += f"checksum for each part. It was missing for part {number} in the request."
        raise AwsError("InvalidRequest", message, 400)


def _checksum(request: Any, upload: Upload, parts: Sequence[uploads.Part]) -> Doc:
    """The checksum of the whole, of its kind, put together from those of the parts.

    BadDigest if another was promised.
    """
    meta = upload.members
    algorithm, kind = meta["_algorithm"], meta["_type"]
    if kind == "COMPOSITE":
        value = checksums.composite(algorithm, [part.checksum for part in parts])
    else:
        value = checksums.full_object(algorithm, [(part.checksum, part.size) for part in parts])
    if request.get("ChecksumType", kind) != kind:
        message = f"The upload was created using the {kind} checksum mode. The complete request must use the same."
        raise AwsError("InvalidRequest", message, 400)
    if wanted := digests.given(request):
        if wanted[0] != algorithm or wanted[1].partition("-")[0] != value.partition("-")[0]:
            raise digests.bad_checksum(wanted[0])
    size = sum(part.size for part in parts)
    if request.get("MpuObjectSize", size) != size:
        message = (
            f"The provided 'x-amz-mp-object-size' header value {request['MpuObjectSize']} does not match what was "
        )
        raise AwsError("InvalidRequest", f"{message}computed: {size}", 400)
    return {digests.member(algorithm): value, "ChecksumType": kind}


def _etag(parts: Sequence[uploads.Part]) -> str:
    whole = md5(b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts), usedforsecurity=False)
    return f'"{whole.hexdigest()}-{len(parts)}"'
