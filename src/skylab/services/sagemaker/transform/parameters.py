"""How a container is asked: how many at a time, how much at once."""

from dataclasses import dataclass
from typing import Any

MB = 1 << 20
PAYLOAD = 6  # MB, unless somebody says otherwise
UNLIMITED = 1 << 62


@dataclass(frozen=True)
class Parameters:
    """Those of the request, else the container's own, else AWS's."""

    concurrent: int
    payload: int  # bytes
    several: bool  # records in one payload

    @classmethod
    def of(cls, doc: dict[str, Any], asked: dict[str, Any]) -> "Parameters":
        payload = doc.get("MaxPayloadInMB", asked.get("MaxPayloadInMB", PAYLOAD))
        strategy = doc.get("BatchStrategy") or asked.get("BatchStrategy", "MULTI_RECORD")
        return cls(
            int(doc.get("MaxConcurrentTransforms") or asked.get("MaxConcurrentTransforms") or 1),
            int(payload) * MB or UNLIMITED,
            str(strategy).upper().replace("_", "") == "MULTIRECORD",
        )

    def __str__(self) -> str:
        payload = 0 if self.payload == UNLIMITED else self.payload // MB
        strategy = "MULTI_RECORD" if self.several else "SINGLE_RECORD"
        return f"MaxConcurrentTransforms={self.concurrent}, MaxPayloadInMB={payload}, BatchStrategy={strategy}"
