"""Which pages of other origins a bucket's objects may be asked from: its rules, the first of which that fits decides.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.s3.buckets import change
from skylab.services.s3.common import Doc, find_bucket
from skylab.services.s3.digests import verify
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

METHODS = ("GET", "PUT", "HEAD", "POST", "DELETE")
MOST_RULES, LONGEST_ID = 100, 255
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
_DIFFERENT = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
    "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)


class Cors:
    def get_bucket_cors(self, call: Call, request: GetBucketCorsRequest) -> Doc:
        if (rules := find_bucket(call, request).get("_cors")) is None:
            message = "The CORS configuration does not exist"
            raise AwsError("NoSuchCORSConfiguration", message, 404, BucketName=request["Bucket"])
        return {"CORSRules": rules}

    def put_bucket_cors(self, call: Call, request: PutBucketCorsRequest) -> None:
        verify(call, request)
        rules = request["CORSConfiguration"]["CORSRules"]
        _check(rules)
        change(call, request, _cors=rules)

    def delete_bucket_cors(self, call: Call, request: DeleteBucketCorsRequest) -> None:
        change(call, request, _cors=None)


def _check(rules: Sequence[Any]) -> None:
    if not 1 <= len(rules) <= MOST_RULES or any(len(rule.get("ID", "")) > LONGEST_ID for rule in rules):
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise AwsError("MalformedXML", message, 400)
    for rule in rules:
        for method in rule["AllowedMethods"]:
            if method not in METHODS:
                message = f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
                raise AwsError("InvalidRequest", message, 400)
        for member, what in (("AllowedOrigins", "AllowedOrigin"), ("AllowedHeaders", "AllowedHeader")):
            for text in rule.get(member, ()):
                if text.count("*") > 1:
                    message = f'{what} "{text}" can not have more than one wildcard.'
                    raise AwsError("InvalidRequest", message, 400)
        for text in rule.get("ExposeHeaders", ()):
            if "*" in text:
                message = (
                    f'ExposeHeader "{text}" contains wildcard. We currently do not support wildcard for ExposeHeader.'
                )
                raise AwsError("InvalidRequest", message, 400)


# asking


def fitting(rules: Sequence[Any], headers: Mapping[str, str], method: str) -> Any | None:
    """The first rule for a request with an Origin; what it announces that it is going to send counts as sent."""
    origin, method = headers["origin"], headers.get("access-control-request-method", method)
    wanted = _names(headers)
    for rule in rules:
        origins, allowed = rule["AllowedOrigins"], [name.lower() for name in rule.get("AllowedHeaders", ())]
        if (
            method in rule["AllowedMethods"]
            and any(_like(pattern, origin) for pattern in origins)
            and all(any(_like(pattern, name) for pattern in allowed) for name in wanted)
        ):
            return rule
    return None


def shown(rule: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, str]:
    """What the answer to a request that fits a rule says to the browser."""
    everyone = "*" in rule["AllowedOrigins"]
    said = {
        "access-control-allow-origin": "*" if everyone else headers["origin"],
        "access-control-allow-methods": ", ".join(rule["AllowedMethods"]),
        "vary": VARY,
    }
    if not everyone:
        said["access-control-allow-credentials"] = "true"
    if wanted := _names(headers):
        said["access-control-allow-headers"] = ", ".join(wanted)
    if exposed := rule.get("ExposeHeaders"):
        said["access-control-expose-headers"] = ", ".join(exposed)
    if "MaxAgeSeconds" in rule:
        said["access-control-max-age"] = str(rule["MaxAgeSeconds"])
    return said


def preflight(bucket: Mapping[str, Any] | None, headers: Mapping[str, str], has_key: bool) -> dict[str, str]:
    """The headers that answer OPTIONS. Raises AwsError: BadRequest (400), AccessForbidden (403).

    https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
    """
    if "origin" not in headers:
        raise AwsError("BadRequest", "Insufficient information. Origin request header needed.", 400)
    method = headers.get("access-control-request-method", "")
    if method not in METHODS:
        raise AwsError("BadRequest", f"Invalid Access-Control-Request-Method: {method[:64] or 'null'}", 400)
    members = {"Method": method, "ResourceType": "OBJECT" if has_key else "BUCKET"}
    if bucket is None:
        raise AwsError("AccessForbidden", "CORSResponse: Bucket not found", 403, **members | {"ResourceType": "BUCKET"})
    if not (rules := bucket.get("_cors")):
        message = "CORSResponse: CORS is not enabled for this bucket."
        raise AwsError("AccessForbidden", message, 403, **members | {"ResourceType": "BUCKET"})
    if (rule := fitting(rules, headers, method)) is None:
        raise AwsError("AccessForbidden", _DIFFERENT, 403, **members)
    return shown(rule, headers)


def _names(headers: Mapping[str, str]) -> list[str]:
    listed = headers.get("access-control-request-headers", "").split(",")
    return [name.strip().lower() for name in listed if name.strip()]


def _like(pattern: str, text: str) -> bool:
    """At most one *, which stands for anything."""
    head, star, tail = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(head) + len(tail) and text.startswith(head) and text.endswith(tail)
