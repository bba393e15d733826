"""Scalars as text: what headers, query strings, forms and XML have in common.

Everything read here came from outside: what does not fit its type is Malformed, never a Python error.
"""

import base64
import binascii
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from botocore.model import Shape

DEPTH = 100  # levels a document may nest; a DynamoDB item of the 32 it allows takes 67 in JSON
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_RANGE = {"integer": 2**31, "long": 2**63}


class Malformed(Exception):
    """A value that its shape cannot hold; path fills up as the reader's recursion unwinds."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def at(self, name: str) -> "Malformed":
        self.path.insert(0, name)
        return self

    def __str__(self) -> str:
        return f"{self.reason} at '{'.'.join(self.path)}'" if self.path else self.reason


def moment(value: Any, format: str | None = None) -> datetime:
    """A time in any form AWS takes (epoch seconds, ISO 8601, RFC 822) as UTC. format settles bare digits."""
    try:
        if isinstance(value, datetime):
            found = value
        elif isinstance(value, str) and (format == "iso8601" or not _number(value)):
            found = parsedate_to_datetime(value) if value[:1].isalpha() else datetime.fromisoformat(value)
        else:
            found = datetime.fromtimestamp(float(value), UTC)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        raise Malformed(f"{str(value)[:64]!r} is not a timestamp") from None


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def time_text(value: Any, format: str) -> str:
    """A time as AWS writes it: iso8601 in milliseconds, rfc822 or unixtimestamp in seconds."""
    when = moment(value)
    if format == "rfc822":
        return format_datetime(when, usegmt=True)
    if format == "unixtimestamp":
        return str(int(when.timestamp()))
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole(shape: Shape, value: int) -> int:
    """value, if it fits Java's int or long."""
    limit = _RANGE[shape.type_name]
    if not -limit <= value < limit:
        raise Malformed(f"{value} is out of range for {shape.type_name}")
    return value


def blob(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("Base64 expected") from None


def scalar(shape: Shape, text: str, time: str = "iso8601") -> Any:
    """Text as the Python value of a scalar shape. time: the format of timestamps that name none."""
    match shape.type_name:
        case "boolean":
            if (lower := text.lower()) in ("true", "false"):
                return lower == "true"
            raise Malformed(f"{text[:64]!r} is not a boolean")
        case "integer" | "long":
            if _INTEGER.fullmatch(text):
                return whole(shape, int(text))
            raise Malformed(f"{text[:64]!r} is not a number")
        case "float" | "double":
            return floating(text)
        case "timestamp":
            return moment(text, shape.serialization.get("timestampFormat", time))
        case "blob":
            return blob(text)
    return text


def floating(text: str) -> float:
    try:
        if "_" not in text:
            return float(text)
    except ValueError:
        pass
    raise Malformed(f"{text[:64]!r} is not a number")


def scalar_text(shape: Shape, value: Any, time: str = "iso8601") -> str:
    """The inverse of scalar."""
    match shape.type_name:
        case "boolean":
            return "true" if value else "false"
        case "float" | "double":
            return float_text(value)
        case "timestamp":
            return time_text(value, shape.serialization.get("timestampFormat", time))
        case "blob":
            return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
    return str(value)


def float_text(value: float) -> str:
    if math.isfinite(value):
        return str(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def too_deep(level: Iterable[Any]) -> bool:
    """Whether dicts, lists or XML elements nest deeper than DEPTH. Walks by levels: no bomb exhausts the stack."""
    for _ in range(DEPTH):
        level = [
            child
            for node in level
            if not isinstance(node, str | bytes | int | float | None)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True
