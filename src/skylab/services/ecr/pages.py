"""Pages of lists: the token is the place of the last one shown, so that what is made meanwhile moves nothing."""

import base64
from collections.abc import Callable
from typing import Any

from skylab.services.ecr import words

SIZE = 100


def page(found: list[Any], request: Any, member: str, place: Callable[[Any], str]) -> dict[str, Any]:
    """{member: […], "nextToken": …}, the latter only where there is more. Raises AwsError."""
    found = sorted(found, key=place)
    if "nextToken" in request:
        try:
            after = base64.urlsafe_b64decode(request["nextToken"].encode()).decode()
        except ValueError:
            raise words.invalid(
                "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'"
            ) from None
        found = [each for each in found if place(each) > after]
    size = request.get("maxResults", SIZE)
    more = (
        {"nextToken": base64.urlsafe_b64encode(place(found[size - 1]).encode()).decode()} if len(found) > size else {}
    )
    return {member: found[:size]} | more
