"""LookupEvents: the management events of one region in the last 90 days, newest first."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.cloudtrail.ledger import KEPT, Place
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.cloudtrail import *

PAGE = 50


class History:
    def lookup_events(self, call: Call, request: LookupEventsRequest) -> dict[str, Any]:
        if "EventCategory" in request:
            raise AwsError("NotImplemented", "LookupEvents of Insights events is not implemented.", 501)
        attributes = request.get("LookupAttributes") or []
        if len(attributes) > 1:
            raise AwsError("InvalidLookupAttributesException", "You can only specify one lookup attribute.")
        attribute = (attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]) if attributes else None
        start, end = _range(call.now, request)
        size = request.get("MaxResults", PAGE)
        asked = [
            attribute,
            start.timestamp() if "StartTime" in request else 0,
            "EndTime" in request and end.timestamp(),
        ]
        before = _place(request["NextToken"], asked) if "NextToken" in request else None
        found = call.part["ledger"].history(call.account, call.region, start, end, attribute, before, size + 1)
        events = [_shown(record, resources) for _, record, resources in found[:size]]
        more = {"NextToken": _token(found[size - 1][0], asked)} if len(found) > size else {}
        return {"Events": events} | more


def _range(now: datetime, request: Any) -> tuple[datetime, datetime]:
    start, end = request.get("StartTime"), request.get("EndTime", now)
    if start is not None and start > end:
        raise AwsError("InvalidTimeRangeException", "The start time must be before the end time.")
    oldest = now - KEPT
    return max(start or oldest, oldest), end


def _token(place: Place, asked: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([place.ms, place.id, asked]).encode()).decode()


def _place(token: str, asked: Any) -> Place:
    """A token is good for the question it was given to only."""
    try:
        ms, id, before = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, RecursionError):
        raise _bad_token() from None
    if type(ms) is not int or type(id) is not int or not (0 <= ms < 2**62 and 0 <= id < 2**62):
        raise _bad_token()
    if before != json.loads(json.dumps(asked)):
        raise _bad_token()
    return Place(ms, id)


def _bad_token() -> AwsError:
    return AwsError("InvalidNextTokenException", "Invalid token or token used with different parameters.")


def _shown(text: bytes, resources: list[list[str]]) -> dict[str, Any]:
    record = json.loads(text)
    who = record["userIdentity"]
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": "true" if record["readOnly"] else "false",
        "AccessKeyId": who.get("accessKeyId"),
        "EventTime": datetime.strptime(record["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        "EventSource": record["eventSource"],
        "Username": username(who),
        "Resources": [{"ResourceType": type, "ResourceName": name} for type, name in resources],
        "CloudTrailEvent": text.decode(),
    }


def username(who: dict[str, Any]) -> str | None:
    """Whom LookupEvents names for a userIdentity: a user, the name of a session, or root."""
    match who.get("type"):
        case "AssumedRole" | "FederatedUser":
            return str(who["arn"]).rpartition("/")[2]
        case "Root":
            return "root"
    return who.get("userName") or who.get("invokedBy")
