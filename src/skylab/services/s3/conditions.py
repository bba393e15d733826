"""If-Match and its kin, and byte ranges.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html, RFC 9110 sections 13 and 14
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from skylab.services.s3.versions import Version
from skylab.wire.errors import AwsError

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")


def failed(condition: str) -> AwsError:
    message = "At least one of the pre-conditions you specified did not hold"
    return AwsError("PreconditionFailed", message, 412, Condition=condition)


def matches(etag: str, wanted: str) -> bool:
    """Any of a list of ETags, with or without quotes, or *."""
    bare = etag.strip('"')
    return any(one.strip().removeprefix("W/").strip('"') in (bare, "*") for one in wanted.split(","))


def check_read(request: Mapping[str, Any], version: Version) -> None:
    """Conditions of GetObject and HeadObject: 412, or 304 with an empty body."""
    if wanted := request.get("IfMatch"):
        if not matches(version.etag, wanted):
            raise failed("If-Match")
    elif (since := request.get("IfUnmodifiedSince")) and version.modified > since.timestamp():
        raise failed("If-Unmodified-Since")
    if unwanted := request.get("IfNoneMatch"):
        same = matches(version.etag, unwanted)
    else:
        since = request.get("IfModifiedSince")
        same = since is not None and version.modified <= since.timestamp()
    if same:
        modified = datetime.fromtimestamp(version.modified, UTC)
        raise AwsError("NotModified", "Not Modified", 304, ETag=version.etag, LastModified=modified)


def check_source(request: Mapping[str, Any], version: Version) -> None:
    """Conditions of a copy on its source: always 412."""
    if wanted := request.get("CopySourceIfMatch"):
        if not matches(version.etag, wanted):
            raise failed("x-amz-copy-source-If-Match")
    elif (since := request.get("CopySourceIfUnmodifiedSince")) and version.modified > since.timestamp():
        raise failed("x-amz-copy-source-If-Unmodified-Since")
    if unwanted := request.get("CopySourceIfNoneMatch"):
        if matches(version.etag, unwanted):
            raise failed("x-amz-copy-source-If-None-Match")
    elif (since := request.get("CopySourceIfModifiedSince")) and version.modified <= since.timestamp():
        raise failed("x-amz-copy-source-If-Modified-Since")


def check_form(request: Mapping[str, Any]) -> None:
    """A write may say If-None-Match: * or If-Match: etag, and not both."""
    absent, wanted = request.get("IfNoneMatch"), request.get("IfMatch")
    if (absent and absent.strip() != "*") or (absent and wanted) or (wanted and wanted.strip() == "*"):
        message = "A header you provided implies functionality that is not implemented"
        raise AwsError("NotImplemented", message, 501, Header="If-None-Match" if absent else "If-Match")


def check_write(request: Mapping[str, Any], latest: Version | None) -> None:
    """Inside the transaction that writes: latest is what the key shows now. 412; 404 for If-Match on nothing."""
    present = latest is not None and latest.body is not None
    if request.get("IfNoneMatch") and present:
        raise failed("If-None-Match")
    if wanted := request.get("IfMatch"):
        if latest is None or not present:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=request.get("Key"))
        if not matches(latest.etag, wanted):
            raise failed("If-Match")


def span(text: str | None, size: int) -> tuple[int, int] | None:
    """(offset, length) of a Range header; None when the whole object is to be sent, as S3 does for several ranges.

    Raises InvalidRange (416) when no byte of it exists.
    """
    found = _RANGE.fullmatch(text.strip()) if text else None
    if not found or found.group() == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        start, end = max(size - int(last), 0), size
        bad = not int(last) or not size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return None
        bad = start >= size
    if bad:
        message = "The requested range is not satisfiable"
        raise AwsError("InvalidRange", message, 416, RangeRequested=text, ActualObjectSize=str(size))
    return start, end - start
