"""What names a log group in a request, and how places become tokens."""

import base64
import json
from typing import Any

from skylab.kernel.journal import group_key
from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.wire.errors import AwsError


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def group_of(call: Call, request: Any) -> Key:
    """From logGroupName or logGroupIdentifier, of which there must be one."""
    name, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if bool(name) == bool(identifier):
        raise invalid("Exactly one of logGroupName and logGroupIdentifier must be specified.")
    return group_key(call.account, call.region, name or identified(call, identifier))


def identified(call: Call, identifier: str) -> str:
    """The name in an identifier, which is a name or an ARN (without :*, which its shape does not allow)."""
    if not identifier.startswith("arn:"):
        return identifier
    head = f"arn:aws:logs:{call.region}:{call.account}:log-group:"
    name = identifier.removeprefix(head)
    if name == identifier or ":" in name or not name:
        raise invalid(f"Invalid log group identifier: {identifier}")
    return name


def token(*place: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()


def place_in(text: str, *types: type) -> list[Any]:
    """What token() was given, checked: a token comes back from outside."""
    try:
        place = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, RecursionError):
        raise invalid("The specified nextToken is invalid.") from None
    if not isinstance(place, list) or [type(part) for part in place] != list(types):
        raise invalid("The specified nextToken is invalid.")
    if any(type(part) is int and not 0 <= part <= 2**62 for part in place):
        raise invalid("The specified nextToken is invalid.")
    return place
