"""How a container is asked: how many at a time, how much at once."""

from dataclasses import dataclass
from typing import Any

MB = 1 << 20
PAYLOAD = 6  # MB, unless somebody says otherwise
MOST = 100  # MB, and requests at a time
UNLIMITED = 1 << 62


@dataclass(frozen=True)
class Parameters:
    """Those of the request, else the container's own, else AWS's."""

    concurrent: int
    payload: int  # bytes
    several: bool  # records in one payload

    @classmethod
    def of(cls, doc: dict[str, Any], asked: dict[str, Any]) -> "Parameters":
        """asked: what the container says, which may be anything."""
        payload = doc.get("MaxPayloadInMB", _number(asked.get("MaxPayloadInMB"), PAYLOAD))
        concurrent = doc.get("MaxConcurrentTransforms") or _number(asked.get("MaxConcurrentTransforms"), 1)
        strategy = doc.get("BatchStrategy") or asked.get("BatchStrategy", "MULTI_RECORD")
        several = str(strategy).upper().replace("_", "") == "MULTIRECORD"
        return cls(concurrent or 1, payload * MB or UNLIMITED, several)

    def __str__(self) -> str:
        payload = 0 if self.payload == UNLIMITED else self.payload // MB
        strategy = "MULTI_RECORD" if self.several else "SINGLE_RECORD"
        return f"MaxConcurrentTransforms={self.concurrent}, MaxPayloadInMB={payload}, BatchStrategy={strategy}"


def _number(value: Any, default: int) -> int:
    try:
        return min(MOST, max(0, int(value)))
    except (TypeError, ValueError, OverflowError):
        return default
