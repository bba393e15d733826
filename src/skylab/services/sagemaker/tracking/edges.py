"""The associations of lineage: one row for each pair, found from either end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.tracking import entities
from skylab.services.sagemaker.tracking.entities import LINKED

MANY = 500  # so many ARNs are asked for at once
TYPES = {"SageMakerTrainingJob": "TrainingJob"} | {
    f"SageMaker{kind}Job": f"{kind}Job" for kind in ("Processing", "Transform")
}


class Link(NamedTuple):
    source: str
    destination: str
    type: str | None
    created: float
    made_by: str

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = {"SourceArn": self.source, "DestinationArn": self.destination}
        return found | ({"AssociationType": self.type} if self.type else {})

    def whole(self) -> dict[str, Any]:
        created = {"CreationTime": datetime.fromtimestamp(self.created, UTC), "CreatedBy": json.loads(self.made_by)}
        return self.shown() | created


def add(
    tx: Transaction, place: tuple[str, str], source: str, destination: str, type: str | None, now: datetime, by: Any
) -> bool:
    """False where the two are associated already. place: account and region."""
    row = (*place, source, destination, type, now.timestamp(), json.dumps(by))
    return tx.db.execute("insert or ignore into association values (?, ?, ?, ?, ?, ?, ?)", row).rowcount > 0


def remove(tx: Transaction, place: tuple[str, str], source: str, destination: str) -> bool:
    which = "(account, region, source, destination) = (?, ?, ?, ?)"
    return tx.db.execute(f"delete from association where {which}", (*place, source, destination)).rowcount > 0


def forget(tx: Transaction, key: Key) -> None:
    """All associations of what is deleted."""
    arn = entities.arn(key)
    tx.db.execute(
        "delete from association where account = ? and region = ? and (source = ? or destination = ?)",
        (*key[:2], arn, arn),
    )


def at(tx: Transaction, place: tuple[str, str], end: str, arns: Iterable[str]) -> list[Link]:
    """Those whose end ("source" or "destination") is one of these, in an order that does not change."""
    wanted, found = sorted(arns), []
    for first in range(0, len(wanted), MANY):
        part = wanted[first : first + MANY]
        rows = tx.db.execute(
            "select source, destination, type, created, made_by from association"
            f" where account = ? and region = ? and {end} in ({', '.join('?' * len(part))})",
            (*place, *part),
        )
        found += [Link(*row) for row in rows]
    return sorted(found)


def every(tx: Transaction, place: tuple[str, str]) -> list[Link]:
    rows = tx.db.execute(
        "select source, destination, type, created, made_by from association where (account, region) = (?, ?)", place
    )
    return [Link(*row) for row in rows]


def entity(tx: Transaction, arn: str) -> dict[str, Any] | None:
    """The document of what an ARN of lineage names."""
    return tx.find(entities.parsed(arn, LINKED))


def type_of(arn: str, doc: Mapping[str, Any]) -> str:
    """What kind of artifact, action or context it is; of a component, what kind of job it is about."""
    kind = entities.parsed(arn, LINKED).type
    if kind == entities.COMPONENT:
        return TYPES.get(doc.get("Source", {}).get("SourceType", ""), "TrialComponent")
    if kind == entities.EXPERIMENT:
        return "Experiment"
    found: str = doc[f"{entities.WORDS[kind]}Type"]
    return found


def name_of(arn: str, doc: Mapping[str, Any]) -> str:
    word = entities.WORDS[entities.parsed(arn, LINKED).type]
    return str(doc.get(f"{word}Name", ""))
