"""What a browser hears of its upload: nothing, a document, or where to go next, as its form wants it.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit
from xml.sax.saxutils import escape

from skylab.wire.http import HttpRequest, HttpResponse

ADDRESS = re.compile(r"https?://[!-~]+")


def answered(request: HttpRequest, bucket: str, fields: Mapping[str, str], response: HttpResponse) -> HttpResponse:
    """The answer to the PutObject that a form was. request: as the browser sent it."""
    if response.status != 200:
        return response
    headers = {name.lower(): value for name, value in response.headers.items()}
    headers.pop("content-length", None)
    found = {"bucket": bucket, "key": fields["key"], "etag": headers.get("etag", "")}
    if target := _target(fields):
        where = target + ("&" if urlsplit(target).query else "?") + urlencode(found)
        return HttpResponse(303, headers | {"location": where})
    scheme, host = "https" if request.secure else "http", request.headers.get("host", "")
    headers["location"] = f"{scheme}://{host}{request.path.rstrip('/')}/{quote(fields['key'], safe='/~')}"
    status = fields.get("success_action_status")
    if status == "201":
        names = zip(("Bucket", "Key", "ETag"), found.values(), strict=True)
        document = _document({"Location": headers["location"], **dict(names)})
        return HttpResponse(201, headers | {"content-type": "application/xml"}, document)
    return HttpResponse(200 if status == "200" else 204, headers)


def _target(fields: Mapping[str, str]) -> str | None:
    """An address that cannot be read is none."""
    for name in ("success_action_redirect", "redirect"):
        if ADDRESS.fullmatch(fields.get(name, "")):
            return fields[name]
    return None


def _document(members: Mapping[str, str]) -> bytes:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{inner}</PostResponse>'.encode()
