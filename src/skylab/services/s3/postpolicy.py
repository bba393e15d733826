"""The policy of a browser's upload: until when, and what its fields may be.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from skylab.wire.errors import AwsError

UNCOVERED = {"file", "policy", "x-amz-signature"}  # fields that need no condition
IGNORED = "x-ignore-"
Range = tuple[int, int]


def check(text: str, fields: Mapping[str, str], bucket: str, now: datetime) -> Range | None:
    """How many bytes the file may have, least and most; None where nothing is said.

    text: the policy in base64. fields: by their names in lower case, ${filename} replaced. Raises AwsError:
    InvalidPolicyDocument (400), AccessDenied (403).
    """
    document = _read(text)
    if _expiration(document.get("expiration")) <= now:
        _denied("Policy expired.")
    conditions = document.get("conditions")
    if not isinstance(conditions, list):
        _invalid("Policy missing conditions.")
    given, covered, length = {**fields, "bucket": bucket}, set(), None
    for condition in conditions:
        operator, name, value = _read_condition(condition)
        if operator == "content-length-range":
            length = _range(name, value)
        elif _holds(operator, name, value, given.get(name, "")):
            covered.add(name)
        else:
            _denied(f"Policy Condition failed: {json.dumps(condition)}")
    _check_covered(fields, covered)
    return length


def _check_covered(fields: Mapping[str, str], covered: set[str]) -> None:
    extra = [name for name in fields if name not in covered | UNCOVERED and not name.startswith(IGNORED)]
    if extra:
        _denied(f"Extra input fields: {', '.join(extra)[:1024]}")


def _invalid(message: str) -> NoReturn:
    raise AwsError("InvalidPolicyDocument", f"Invalid Policy: {message}", 400)


def _denied(message: str) -> NoReturn:
    raise AwsError("AccessDenied", f"Invalid according to Policy: {message}", 403)


def _read(text: str) -> dict[str, Any]:
    try:
        document = json.loads(b64decode(text, validate=True))
    except (ValueError, RecursionError):
        _invalid("Invalid JSON.")
    if not isinstance(document, dict):
        _invalid("Invalid JSON.")
    return document


def _expiration(text: Any) -> datetime:
    if text is None:
        _invalid("Policy missing expiration.")
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        time = None
    if time is None or time.tzinfo is None:
        _invalid(f"Invalid 'expiration' value: '{str(text)[:64]}'")
    return time


def _read_condition(condition: Any) -> tuple[str, Any, Any]:
    """(operator, field's name, value), and (operator, least, most) of a range of lengths."""
    if isinstance(condition, dict):
        if len(condition) != 1:
            _invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
        ((name, value),) = condition.items()
        return "eq", name.lower(), value
    if not isinstance(condition, list) or len(condition) != 3 or not isinstance(condition[0], str):
        _invalid("Invalid Condition: it must be an operator, a field and a value.")
    operator, name, value = condition[0].lower(), condition[1], condition[2]
    if operator == "content-length-range":
        return operator, name, value
    if operator not in ("eq", "starts-with") or not isinstance(name, str) or not name.startswith("$"):
        _invalid(f"Invalid Condition: {json.dumps(condition)[:256]}")
    return operator, name[1:].lower(), value


def _range(least: Any, most: Any) -> Range:
    try:
        return int(least), int(most)
    except (TypeError, ValueError, OverflowError):
        _invalid("Invalid content-length-range: lower and upper range specifiers must be integers.")


def _holds(operator: str, name: str, wanted: Any, given: str) -> bool:
    if not isinstance(wanted, str):
        return False
    if operator == "eq":
        return given == wanted
    if name == "content-type":  # a list: each of it
        return all(part.strip().startswith(wanted) for part in given.split(","))
    return given.startswith(wanted)
