"""A browser's upload: the form of a POST to a bucket is the PutObject that its fields describe.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import NoReturn
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from skylab.services.s3 import postpolicy
from skylab.wire import multipart
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, Stream
from skylab.wire.model import service_model
from skylab.wire.multipart import Form

# Of the request itself; all that describes the object are fields.
KEPT = ("host", "user-agent", "referer", "origin")
PLAIN = {"cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "content-md5"}
PLAIN |= {"expires"}
VARIABLE = "${filename}"
RAW = {"policy", "x-amz-signature"}  # in which nothing is replaced
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_form(request: HttpRequest) -> bool:
    """A POST to a bucket itself; multi-object deletes and the like have a query."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.method == "POST" and kind == "multipart/form-data" and not request.query


async def read(request: HttpRequest) -> Form:
    """Raises AwsError: MalformedPOSTRequest, MaxPostPreDataLengthExceeded, InvalidArgument."""
    try:
        form = await multipart.read(request.body, request.headers["content-type"])
    except multipart.Malformed:
        raise _malformed() from None
    except multipart.TooLarge:
        message = "Your POST request fields preceding the upload file were too large."
        members = {"MaxPostPreDataLengthBytes": str(multipart.MOST)}
        raise AwsError("MaxPostPreDataLengthExceeded", message, 400, **members) from None
    if not form.fields.get("key"):
        message = "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the "
        raise AwsError("InvalidArgument", f"{message}fields.", 400, ArgumentName="key", ArgumentValue="")
    if form.file is None:
        message = "POST requires exactly one file upload per request."
        raise AwsError("InvalidArgument", message, 400, ArgumentName="file", ArgumentValue="0")
    name = re.split(r"[/\\]", form.filename)[-1]
    fields = {k: v if k in RAW else v.replace(VARIABLE, name) for k, v in form.fields.items()}
    return replace(form, fields=fields)


def as_put(request: HttpRequest, form: Form, now: datetime) -> HttpRequest:
    """request: with its bucket as the path; whose signature was proved, where the form has one. Raises AwsError."""
    bucket, fields = request.path.strip("/"), form.fields
    if not bucket or "/" in bucket:
        message = "The specified method is not allowed against this resource."
        raise AwsError("MethodNotAllowed", message, 405, Method="POST", ResourceType="OBJECT")
    length = postpolicy.check(fields["policy"], fields, bucket, now) if "policy" in fields else None
    assert form.file is not None
    return replace(
        request,
        method="PUT",
        path=f"/{bucket}/{quote(fields['key'], safe='/~')}",
        headers={name: request.headers[name] for name in KEPT if name in request.headers} | _headers(fields),
        body=_within(form.file, length),
        posted=True,
    )


def _headers(fields: Mapping[str, str]) -> dict[str, str]:
    """As they would have come with a PUT: UTF-8, byte by byte."""
    found = {name: text for name, text in fields.items() if name in PLAIN or name in _known() or _is_meta(name)}
    if "acl" in fields:
        found["x-amz-acl"] = fields["acl"]
    if "tagging" in fields:
        found["x-amz-tagging"] = _tagging(fields["tagging"])
    for name, text in found.items():
        if CONTROL.search(name + text):
            _refuse("A field has a character that a header cannot have.", name)
    return {_latin(name): _latin(text) for name, text in found.items()}


def _latin(text: str) -> str:
    return text.encode(errors="surrogatepass").decode("latin-1")


def _is_meta(name: str) -> bool:
    return name.startswith("x-amz-meta-")


@cache
def _known() -> frozenset[str]:
    """The headers of PutObject that are S3's own."""
    members = service_model("s3").operation_model("PutObject").input_shape.members.values()
    names = (member.serialization.get("name", "").lower() for member in members)
    return frozenset(name for name in names if name.startswith("x-amz-") and not _is_meta(name))


def _tagging(text: str) -> str:
    """The XML of a Tagging as PutObject's header has it."""
    try:
        tags = [one for one in fromstring(text).iter() if _local(one.tag) == "Tag"]
    except (ParseError, DefusedXmlException, ValueError):
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise AwsError("MalformedXML", message, 400) from None
    pairs = [{_local(part.tag): part.text or "" for part in tag} for tag in tags]
    return urlencode([(pair.get("Key", ""), pair.get("Value", "")) for pair in pairs])


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


async def _within(file: Stream, length: postpolicy.Range | None) -> AsyncIterator[bytes]:
    """The file, refused as soon as it is too large, or at its end too small."""
    size = 0
    try:
        async for piece in file:
            size += len(piece)
            if length and size > length[1]:
                members = {"ProposedSize": str(size), "MaxSizeAllowed": str(length[1])}
                raise AwsError(
                    "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400, **members
                )
            yield piece
    except (multipart.Malformed, multipart.TooLarge):
        raise _malformed() from None
    if length and size < length[0]:
        members = {"ProposedSize": str(size), "MinSizeAllowed": str(length[0])}
        raise AwsError(
            "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400, **members
        )


def _refuse(message: str, name: str) -> NoReturn:
    raise AwsError("InvalidArgument", message, 400, ArgumentName=name[:256])


def _malformed() -> AwsError:
    message = "The body of your POST request is not well-formed multipart/form-data."
    return AwsError("MalformedPOSTRequest", message, 400)
