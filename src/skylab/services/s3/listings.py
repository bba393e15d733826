"""ListObjects, ListObjectsV2, ListObjectVersions: pages of keys in the order of their UTF-8 bytes.

Each page is a walk along an index. Where a delimiter rolls keys up, the walk jumps behind all of them with one seek: a
page costs its own length and not the bucket's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from skylab.kernel.store import load
from skylab.services.call import Call
from skylab.services.s3 import names, tokens, versions
from skylab.services.s3.common import Doc, display, find_bucket, index, is_version, when
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

MOST = 1000
Row = tuple[Any, ...]


class Listings:
    def list_objects_v2(self, call: Call, request: ListObjectsV2Request) -> Doc:
        token, start_after = request.get("ContinuationToken"), request.get("StartAfter")
        if token == "":
            message = "The continuation token provided is incorrect"
            raise AwsError("InvalidArgument", message, 400, ArgumentName="continuation-token")
        start = tokens.read(token) if token else _next(start_after)
        items, truncated, result = _objects(call, request, start)
        result["KeyCount"] = len(items)
        if token:
            result["ContinuationToken"] = token
        if start_after:
            result["StartAfter"] = encoder(request)(start_after)
        if truncated:
            result["NextContinuationToken"] = tokens.write(_bound(items[-1]))
        if not request.get("FetchOwner"):
            result["Contents"] = [{k: v for k, v in one.items() if k != "Owner"} for one in result["Contents"]]
        return result

    def list_objects(self, call: Call, request: ListObjectsRequest) -> Doc:
        marker, delimiter = request.get("Marker", ""), request.get("Delimiter")
        items, truncated, result = _objects(call, request, behind(marker, request.get("Prefix", ""), delimiter))
        encode = encoder(request)
        result["Marker"] = encode(marker)
        if truncated and delimiter:
            result["NextMarker"] = encode(name_of(items[-1]))
        return result

    def list_object_versions(self, call: Call, request: ListObjectVersionsRequest) -> Doc:
        owner = display(find_bucket(call, request))
        prefix, delimiter, most = form(request, "MaxKeys")
        marker, version, encode = request.get("KeyMarker", ""), request.get("VersionIdMarker"), encoder(request)
        if version and not marker:
            message = "A version-id marker cannot be specified without a key marker."
            raise AwsError("InvalidArgument", message, 400, ArgumentName="version-id-marker", ArgumentValue=version)
        with index(call).reading() as db:
            rows, start = _version_rows(db, request["Bucket"], prefix, marker, version, delimiter)
            items, truncated = page(walk(rows, prefix, delimiter, start), most)
        found = [_version(owner, encode, row) for row in items if not isinstance(row, str)]
        result = echo(request, encode, "MaxKeys", most) | {
            "Name": request["Bucket"], "IsTruncated": truncated, "KeyMarker": encode(marker),
            "VersionIdMarker": version or "",
            "Versions": [one for one in found if "ETag" in one],
            "DeleteMarkers": [one for one in found if "ETag" not in one],
            "CommonPrefixes": rolled(items, encode),
        }  # fmt: skip
        if truncated:
            last = items[-1]
            result["NextKeyMarker"] = encode(name_of(last))
            result["NextVersionIdMarker"] = None if isinstance(last, str) else last[2]
        return result


def form(request: Any, limit: str) -> tuple[str, str | None, int]:
    """(prefix, delimiter, how many) of any listing."""
    most = request.get(limit, MOST)
    if not 0 <= most <= 2**31 - 1:
        argument = limit[0].lower() + limit[1:]
        message = f"Argument {argument} must be an integer between 0 and 2147483647"
        raise AwsError("InvalidArgument", message, 400, ArgumentName=argument, ArgumentValue=str(most))
    return request.get("Prefix", ""), request.get("Delimiter") or None, min(most, MOST)


def encoder(request: Any) -> Callable[[str], str]:
    """Names as an answer writes them: XML cannot hold every character that a key can."""
    kind = request.get("EncodingType")
    if kind not in (None, "url"):
        message = "Invalid Encoding Method specified in Request"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="encoding-type", ArgumentValue=kind)
    return (lambda name: quote_plus(name, safe="/*")) if kind else (lambda name: name)


def echo(request: Any, encode: Callable[[str], str], limit: str, most: int) -> Doc:
    result = {"Prefix": encode(request.get("Prefix", "")), limit: most, "EncodingType": request.get("EncodingType")}
    return result | ({"Delimiter": encode(delimiter)} if (delimiter := request.get("Delimiter")) else {})


def walk(rows: Callable[[str], Iterator[Row]], prefix: str, delimiter: str | None, start: str) -> Iterator[Row | str]:
    """The rows from start on, and a string for each group of keys that the delimiter makes one.

    rows(bound): those whose key, their first column, is at least bound, in order.
    """
    bound: str | None = max(start, prefix)
    while bound is not None:
        group = None
        for row in rows(bound):
            group = _group(row[0], prefix, delimiter)
            if group is not None:
                break
            yield row
        if group is None:
            return
        yield group
        bound = names.after(group)


def _group(key: str, prefix: str, delimiter: str | None) -> str | None:
    if delimiter is None or (end := key.find(delimiter, len(prefix))) < 0:
        return None
    return key[: end + len(delimiter)]


def page(items: Iterable[Row | str], most: int) -> tuple[list[Row | str], bool]:
    """The first items, and whether there are more."""
    if not most:
        return [], False
    found = list(islice(items, most + 1))
    return found[:most], len(found) > most


def name_of(item: Row | str) -> str:
    return item if isinstance(item, str) else item[0]


def rolled(items: list[Row | str], encode: Callable[[str], str]) -> list[Doc]:
    return [{"Prefix": encode(item)} for item in items if isinstance(item, str)]


def behind(marker: str, prefix: str, delimiter: str | None) -> str:
    """Where a page begins that goes on after marker; a marker may itself be a group, which is then passed whole."""
    if delimiter and marker.startswith(prefix) and _group(marker, prefix, delimiter) == marker:
        return names.after(marker) or _next(marker)
    return _next(marker)


def _next(key: str | None) -> str:
    """The smallest name larger than key."""
    return key + "\0" if key else ""


def _bound(item: Row | str) -> str:
    return (names.after(item) or _next(item)) if isinstance(item, str) else _next(item[0])


def _objects(call: Call, request: Any, start: str) -> tuple[list[Row | str], bool, Doc]:
    owner = display(find_bucket(call, request))
    prefix, delimiter, most = form(request, "MaxKeys")
    encode, name = encoder(request), request["Bucket"]

    def rows(bound: str) -> Iterator[Row]:
        return db.execute(_SHOWN, {"bucket": name, "bound": bound, "end": names.after(prefix)})

    with index(call).reading() as db:
        items, truncated = page(walk(rows, prefix, delimiter, start), most)
    result = echo(request, encode, "MaxKeys", most) | {
        "Name": name, "IsTruncated": truncated, "CommonPrefixes": rolled(items, encode),
        "Contents": [_content(owner, encode, row) for row in items if not isinstance(row, str)],
    }  # fmt: skip
    return items, truncated, result


_SHOWN = """
select key, size, etag, modified, meta from version indexed by version_shown
where bucket = :bucket and latest and body is not null and key >= :bound and (:end is null or key < :end) order by key
"""
_VERSIONS = """
select key, seq, name, latest, body, size, etag, modified, meta from version indexed by version_seq
where bucket = :bucket and key >= :bound and (:end is null or key < :end) and (key <> :marker or seq < :seq)
order by key, seq desc
"""


def _content(owner: Doc, encode: Callable[[str], str], row: Row) -> Doc:
    key, size, etag, modified, meta = row
    return {
        "Key": encode(key), "Size": size, "ETag": etag, "LastModified": when(modified), "Owner": owner,
    } | described(load(meta))  # fmt: skip


def described(meta: Doc) -> Doc:
    """Storage class and kind of checksum, as each line of a listing has them."""
    kinds = [name.removeprefix("Checksum") for name in meta if name.startswith("Checksum") and name != "ChecksumType"]
    return {
        "StorageClass": meta.get("StorageClass", "STANDARD"),
        "ChecksumAlgorithm": kinds, "ChecksumType": meta.get("ChecksumType"),
    }  # fmt: skip


def _version_rows(
    db: sqlite3.Connection, bucket: str, prefix: str, marker: str, version: str | None, delimiter: str | None
) -> tuple[Callable[[str], Iterator[Row]], str]:
    seq = _seq(db, bucket, marker, version) if version else None

    def rows(bound: str) -> Iterator[Row]:
        given = {
            "bucket": bucket,
            "bound": bound,
            "end": names.after(prefix),
            "marker": marker if version else "",
            "seq": seq,
        }
        return db.execute(_VERSIONS, given)

    return rows, marker if version else behind(marker, prefix, delimiter)


def _seq(db: sqlite3.Connection, bucket: str, key: str, name: str) -> int:
    """The place of a version that may have been deleted since: its name carries it, but for 'null'."""
    if found := versions.named(db, bucket, key, name):
        return found.seq
    if name == versions.NULL:
        return 2**62
    if not is_version(name):
        message = "Invalid version id specified"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="version-id-marker", ArgumentValue=name)
    return int(name[12:], 16)


def _version(owner: Doc, encode: Callable[[str], str], row: Row) -> Doc:
    key, _, name, latest, body, size, etag, modified, meta = row
    result = {
        "Key": encode(key), "VersionId": name, "IsLatest": bool(latest), "LastModified": when(modified),
        "Owner": owner,
    }  # fmt: skip
    return result if body is None else result | {"Size": size, "ETag": etag} | described(load(meta))
