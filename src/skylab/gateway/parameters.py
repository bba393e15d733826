"""Requests and answers as CloudTrail writes them: members in lowerCamelCase, nothing that is secret, no bodies.

What is secret says botocore's `sensitive` trait, and a list of what AWS's models do not mark. S3 is shown as it came
over the wire: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-understanding-s3-entries.html
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.model import Shape

from skylab.wire.http import HttpRequest, HttpResponse

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# Left out wholly, as in AWS's own examples (https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html)
ABSENT = {"SecretAccessKey"}
UNMARKED = {"SessionToken", "Password", "NewPassword", "OldPassword", "SecretString", "AuthToken", "TokenCode"}
UNMARKED |= {"MasterUserPassword"}
S3_SILENT = {  # headers that say who asks, or are a key
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-content-sha256",
    "x-amz-decoded-content-length",
    "x-amz-trailer",
    "x-amz-user-agent",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key",
}
S3_SIGNATURE = ("x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-amz-date", "x-amz-algorithm")
S3_ANSWERED = ("x-amz-server-side-encryption", "x-amz-version-id", "x-amz-delete-marker", "x-amz-expiration")


def written(shape: Shape | None, value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A structure as CloudTrail writes it; None where there is nothing to write."""
    if shape is None or not value:
        return None
    return dict(_members(shape, value)) or None


def _members(shape: Shape, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, member in shape.members.items():
        item = value.get(name)
        if item is None or name in ABSENT or member.type_name == "blob" or member.serialization.get("eventstream"):
            continue
        secret = member.metadata.get("sensitive") or (name in UNMARKED and member.type_name == "string")
        yield name[:1].lower() + name[1:], HIDDEN if secret else _value(member, item)


def _value(shape: Shape, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return dict(_members(shape, value)) if isinstance(value, Mapping) else str(value)
    if shape.metadata.get("sensitive"):
        return HIDDEN
    if kind == "list" and isinstance(value, list | tuple):
        return [_value(shape.member, item) for item in value]
    if kind == "map" and isinstance(value, Mapping):
        return {str(key): _value(shape.value, item) for key, item in value.items()}
    if isinstance(value, datetime):
        return f"{value:%b} {value.day}, {value.year}, {value.hour % 12 or 12}:{value:%M:%S %p}"
    return value if isinstance(value, str | int | float | bool) else HIDDEN


def of_s3(request: HttpRequest, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Bucket, host, key, the query as it was written and the headers that mean something to S3."""
    bucket, _, key = unquote(request.path.lstrip("/")).partition("/")
    named = {"bucketName": bucket, "key": key}
    query = {name: value for name, value in parse_qsl(request.query, True) if name.lower() not in S3_SIGNATURE}
    headers = {
        name: value for name, value in request.headers.items() if name.startswith("x-amz-") and name not in S3_SILENT
    }
    asked = {"Host": request.headers.get("host", "")} | {name: text for name, text in named.items() if text}
    if policy := (parameters or {}).get("Policy"):
        asked["bucketPolicy"] = policy
    return asked | query | headers


def answered_by_s3(response: HttpResponse) -> dict[str, str] | None:
    found = {name.lower(): value for name, value in response.headers.items()}
    return {name: found[name] for name in S3_ANSWERED if name in found} or None
