"""What is older than its group's retention is forgotten: one task for each group that has one, in portions.

AWS deletes expired events within 72 hours (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/
Working-with-log-groups-and-streams.html); here it is an hour at most.
"""

from datetime import datetime, timedelta

from skylab.compute.world import World
from skylab.kernel import journal
from skylab.kernel.key import Key
from skylab.kernel.store import Task, Transaction

PORTION = 10_000  # events that one transaction deletes: others wait for it
HOUR = timedelta(hours=1)


def begin(tx: Transaction, group: Key, now: datetime, id: str) -> None:
    """Has the group looked at now; from then on every hour until it has no retention any more."""
    if tasks := tx.tasks(target=group):
        return tx.delay(tasks[0].id, now)
    tx.start("retention", group, now, id)


class Retention:
    def __init__(self, world: World) -> None:
        self.store = world.store

    def advance(self, task: Task, now: datetime) -> float | None:
        with self.store.writing() as tx:
            doc = tx.find(task.target)
            if doc is None or "retentionInDays" not in doc:
                tx.move(task.id, "ended")
                return None
            before = journal.milliseconds(now - timedelta(days=doc["retentionInDays"]))
            if journal.expire(tx, task.target, before, PORTION) < PORTION:
                tx.delay(task.id, now + HOUR)
        return None
