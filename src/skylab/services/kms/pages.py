"""Pages of KMS's lists: a marker is the name of the last item seen, so that what is made meanwhile moves nothing."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any

from skylab.wire.errors import AwsError


def page(
    items: Iterable[dict[str, Any]], request: Any, member: str, name: Callable[[dict[str, Any]], str], most: int
) -> dict[str, Any]:
    """One page of items, which come in the order of their names."""
    after = _place(request["Marker"]) if "Marker" in request else ""
    rest = [item for item in items if name(item) > after]
    size = request.get("Limit", most)
    answer: dict[str, Any] = {member: rest[:size], "Truncated": len(rest) > size}
    if answer["Truncated"]:
        answer["NextMarker"] = base64.urlsafe_b64encode(name(rest[size - 1]).encode()).decode()
    return answer


def _place(marker: str) -> str:
    try:
        return base64.b64decode(marker.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise AwsError("InvalidMarkerException", "Could not deserialize marker") from None
