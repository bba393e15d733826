"""One page of what pipelines list: filtered by time, ordered, cut; the token is the place of its last item."""

import base64
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from skylab.wire.errors import invalid

SIZE = 100


def page(
    docs: Iterable[dict[str, Any]], request: Any, result: str, column: str, name: str, order: str = "Descending"
) -> dict[str, Any]:
    """{result: [...], "NextToken": ... where there is more}. column: what is sorted by; name: what tells equals apart.

    Raises AwsError for a token that is none.
    """
    descending = request.get("SortOrder", order) == "Descending"

    def place(doc: dict[str, Any]) -> list[Any]:
        value = doc[column]
        return [value.timestamp() if isinstance(value, datetime) else value, doc[name]]

    found = sorted((doc for doc in docs if _wanted(doc, request)), key=place, reverse=descending)
    if "NextToken" in request:
        after = _place(request["NextToken"])
        try:
            found = [doc for doc in found if (place(doc) < after if descending else place(doc) > after)]
        except TypeError:
            raise invalid("Invalid NextToken.") from None
    size = request.get("MaxResults", SIZE)
    shown = found[:size]
    return {result: shown} | ({"NextToken": _token(place(shown[-1]))} if len(found) > size else {})


def _wanted(doc: dict[str, Any], request: Any) -> bool:
    after, before, made = request.get("CreatedAfter"), request.get("CreatedBefore"), doc.get("CreationTime")
    return (after is None or made > after) and (before is None or made < before)


def _token(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(token: str) -> list[Any]:
    try:
        place = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, RecursionError):
        raise invalid("Invalid NextToken.") from None
    if not isinstance(place, list) or len(place) != 2:
        raise invalid("Invalid NextToken.")
    return place
