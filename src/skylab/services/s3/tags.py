"""Tags of buckets and objects: their rules, and the query form in which a header carries them."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from skylab.wire.errors import AwsError

OBJECT_TAGS, BUCKET_TAGS = 10, 50
_ALLOWED = re.compile(r"[\w\s+\-=.:/@]*", re.UNICODE)


def from_header(text: str | None) -> list[dict[str, str]] | None:
    """x-amz-tagging: k1=v1&k2=v2, percent-encoded."""
    if not text:
        return None
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=100)
    except ValueError:
        message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters"
        raise AwsError("InvalidArgument", f"{message} without tag name duplicates.", 400) from None
    return check([{"Key": key, "Value": value} for key, value in pairs], OBJECT_TAGS)


def check(tags: Sequence[Any], most: int) -> list[dict[str, str]]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html"""
    if len(tags) > most:
        kind = "Object" if most == OBJECT_TAGS else "Bucket"
        raise AwsError("BadRequest", f"{kind} tags cannot be greater than {most}", 400)
    for tag in tags:
        _check(tag["Key"], tag["Value"])
    if len({tag["Key"] for tag in tags}) < len(tags):
        raise AwsError("InvalidTag", "Cannot provide multiple Tags with the same key", 400)
    return [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags]


def _check(key: str, value: str) -> None:
    if not 1 <= len(key) <= 128 or not _ALLOWED.fullmatch(key):
        raise AwsError("InvalidTag", "The TagKey you have provided is invalid", 400)
    if len(value) > 256 or not _ALLOWED.fullmatch(value):
        raise AwsError("InvalidTag", "The TagValue you have provided is invalid", 400)
    if key.lower().startswith("aws:"):
        raise AwsError("InvalidTag", "System tags cannot be added/updated by requester", 400)
