"""One page of what was found. A token is the place of the last document, so that what is made meanwhile moves none."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from skylab.wire.errors import invalid

SIZE = 100
Place = tuple[float | str, str]  # what is sorted by, and a name that is no other's


def page(
    found: Iterable[dict[str, Any]],
    request: Mapping[str, Any],
    result: str,
    place: Callable[[dict[str, Any]], Place],
    default: str = "Descending",
    size: int = SIZE,
) -> dict[str, Any]:
    """{result: [...], "NextToken": ...}, the latter only where there is more. Raises AwsError for a strange token."""
    descending = request.get("SortOrder", default) == "Descending"
    docs = sorted(found, key=place, reverse=descending)
    if "NextToken" in request:
        after = untoken(request["NextToken"])
        try:
            docs = [doc for doc in docs if (place(doc) < after if descending else place(doc) > after)]
        except TypeError:  # a token of another order
            raise invalid("Invalid NextToken.") from None
    size = request.get("MaxResults", size)
    shown = docs[:size]
    return {result: shown} | ({"NextToken": token(place(shown[-1]))} if len(docs) > size else {})


def value(found: Any) -> float | str:
    """What a document has, as it is sorted by."""
    return found.timestamp() if isinstance(found, datetime) else found


def between(request: Mapping[str, Any], after: str, before: str, time: datetime) -> bool:
    low, high = request.get(after), request.get(before)
    return (low is None or time > low) and (high is None or time < high)


def token(place: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def untoken(text: str) -> Place:
    try:
        first, name = orjson.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, TypeError, binascii.Error):
        raise invalid("Invalid NextToken.") from None
    if not isinstance(first, float | int | str) or not isinstance(name, str):
        raise invalid("Invalid NextToken.")
    return first, name
