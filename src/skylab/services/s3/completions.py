"""CompleteMultipartUpload: the parts' files become one, then one transaction makes it the object and ends the upload.

A kill before the commit leaves the upload and its parts as they were; after it, the same request is answered from the
upload's row. The parts are sealed under the upload's key, which becomes the object's: the kernel copies them as they
are, behind a sealed table of their order. They do not pass through this process, and no checksum reads them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5
from typing import TYPE_CHECKING, Any

from skylab.kernel.store import load
from skylab.services.call import Call
from skylab.services.s3 import conditions, digests, uploads
from skylab.services.s3.bodies import Draft
from skylab.services.s3.common import Doc, bodies, encryption_of, find_bucket, index, keeper
from skylab.services.s3.keys import is_local
from skylab.services.s3.multipart import key_of
from skylab.services.s3.objects import visible
from skylab.services.s3.opened import table
from skylab.services.s3.receiving import aside
from skylab.services.s3.sealed import HEAD
from skylab.services.s3.uploads import Upload
from skylab.services.s3.versions import Fresh
from skylab.services.s3.wish import customer_key
from skylab.wire import checksums
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

SMALLEST = 5 * 1024 * 1024  # bytes of every part but the last


class Completions:
    async def complete_multipart_upload(self, call: Call, request: CompleteMultipartUploadRequest) -> Doc:
        return await aside(lambda: self._complete(call, request))

    def _complete(self, call: Call, request: Any) -> Doc:
        conditions.check_form(request)
        find_bucket(call, request)
        with index(call).reading() as db:
            upload = uploads.find(db, request, done=True)
            if upload.answer:
                return load(upload.answer)
            parts = _chosen(request, upload, {part.number: part for part in uploads.parts(db, upload.id)})
        checksum = _checksum(request, upload, parts)
        meta = _members(upload.members) | checksum
        _check_key(call, request, upload)
        files = [bodies(call).file(part.body) for part in parts]
        with bodies(call).draft() as draft:
            draft.write(_table(call, upload, list(zip(files, parts, strict=True))))
            for file in files:
                draft.append(file)
            fresh = Fresh(
                draft.body, sum(part.size for part in parts), _etag(parts), meta,
                load(upload.tags) if upload.tags else None, [[part.number, part.size, part.checksum] for part in parts],
            )  # fmt: skip
            return _publish(call, request, draft, fresh, checksum)


def _members(meta: Doc) -> Doc:
    return {name: value for name, value in meta.items() if not name.startswith("_") or name == "_key"}


def _check_key(call: Call, request: Any, upload: Upload) -> None:
    """Who completes an upload under KMS has the key; under SSE-C the key may be said again, and then is the same.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    """
    if not is_local(upload.members) or customer_key(call, request) is not None:
        key_of(call, request, upload)


def _table(call: Call, upload: Upload, parts: Sequence[tuple[str, uploads.Part]]) -> bytes:
    entries = []
    for file, part in parts:
        with open(file, "rb", buffering=0) as source:
            entries.append((source.read(HEAD), part.size))
    return table(entries, 2 if "second" in upload.members["_key"] else 1, bodies(call).vault)


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
            **encryption_of(fresh.meta or {}, {}),
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
