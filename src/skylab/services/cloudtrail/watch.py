"""Which trails are logging at this moment: in memory, read anew from the store whenever a trail changes."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skylab.kernel.store import Store
from skylab.services.cloudtrail.selection import Facts, any_data, selects

# Of services without regions: only trails that ask for them get them.
GLOBAL = {"iam.amazonaws.com", "cloudfront.amazonaws.com", "route53.amazonaws.com", "organizations.amazonaws.com"}


@dataclass(frozen=True)
class Watched:
    id: str
    account: str
    region: str  # "" of a trail of all regions
    global_events: bool
    own_events: bool  # whether it logs what CloudTrail itself does to deliver it
    arn: str
    selectors: Mapping[str, Any]


class Watch:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trails: tuple[Watched, ...] = ()
        self.data = False  # whether any trail selects data events: where none does, they cost this look

    def load(self, store: Store) -> None:
        with self._lock, store.reading() as tx:
            docs = [doc for doc in tx.all("", "", "cloudtrail", "trail") if doc["_"]["logging"]]
            self._trails = tuple(_watched(doc) for doc in docs)
            self.data = any(any_data(trail.selectors) for trail in self._trails)

    def selecting(self, account: str, region: str, facts: Facts, delivering: str = "") -> tuple[str, ...]:
        """The ids of the trails that log the event. delivering: ARN of the trail whose delivery made it."""
        return tuple(
            trail.id
            for trail in self._trails
            if trail.account == account
            and trail.region in ("", region)
            and (trail.global_events or facts.source not in GLOBAL)
            and (trail.own_events or trail.arn != delivering)
            and selects(trail.selectors, facts)
        )


def _watched(doc: dict[str, Any]) -> Watched:
    return Watched(
        id=doc["_"]["id"],
        account=doc["TrailARN"].split(":")[4],
        region="" if doc["IsMultiRegionTrail"] else doc["HomeRegion"],
        global_events=doc["IncludeGlobalServiceEvents"],
        own_events=doc.get("RecursiveLogging", True),
        arn=doc["TrailARN"],
        selectors=doc["_"]["selectors"],
    )
