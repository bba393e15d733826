"""Deletion: asked for now, done when the waiting period has passed, unless it is cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Store, Task, Transaction
from skylab.services.call import Call
from skylab.services.kms import aliases, materials, states
from skylab.services.kms.materials import Materials
from skylab.services.kms.names import own
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.kms import *

KIND = "kms-deletion"
LEAST, MOST = 7, 30  # days, https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html


class Deletions:
    def schedule_key_deletion(self, call: Call, request: ScheduleKeyDeletionRequest) -> dict[str, Any]:
        days = _days(request.get("PendingWindowInDays", MOST))
        date = call.now + timedelta(days=days)
        with call.writing() as tx:
            key, doc = own(tx, call, request["KeyId"])
            states.customer_managed(call, doc, "ScheduleKeyDeletion")
            states.not_doomed(doc)
            doc = states.enter(doc, "PendingDeletion") | {"DeletionDate": date}
            tx.put(key, doc, call.now)
            tx.start(KIND, key, date, id=call.ids.new())
        return {
            "KeyId": doc["Arn"],
            "DeletionDate": date,
            "KeyState": doc["KeyState"],
            "PendingWindowInDays": days,
        }

    def cancel_key_deletion(self, call: Call, request: CancelKeyDeletionRequest) -> dict[str, Any]:
        with call.writing() as tx:
            key, doc = own(tx, call, request["KeyId"])
            if doc["KeyState"] != "PendingDeletion":
                raise states.wrong_state(doc, "is not pending deletion")
            doc.pop("DeletionDate")
            empty = doc["Origin"] == "EXTERNAL" and not materials.all_there(tx, key)
            tx.put(key, states.enter(doc, "PendingImport" if empty else "Disabled"), call.now)
            for task in tx.tasks(target=key):
                if task.kind == KIND:
                    tx.move(task.id, "ended")
        return {"KeyId": doc["Arn"]}


class Deletion:
    """The Work behind it. All that belongs to a key goes in one transaction."""

    def __init__(self, world: World) -> None:
        self.store: Store = world.store
        self.materials: Materials = world.parts["kms"]["materials"]

    def advance(self, task: Task, now: datetime) -> float | None:
        with self.store.writing() as tx:
            doc = tx.find(task.target)
            if doc is not None and doc["KeyState"] == "PendingDeletion" and doc["DeletionDate"] <= now:
                _delete(tx, task.target)
            tx.move(task.id, "ended")
        self.materials.forget(task.target)
        return None


def _delete(tx: Transaction, key: Key) -> None:
    for material in materials.of_key(tx, key):
        tx.delete(materials.place(key, material["KeyMaterialId"]))
    for alias in aliases.of_key(tx, key):
        tx.delete(Key(key.account, key.region, "kms", "alias", alias["AliasName"]))
    for grant in list(tx.all(key.account, key.region, "kms", "grant", f"{key.name}/")):
        tx.delete(Key(key.account, key.region, "kms", "grant", f"{key.name}/{grant['GrantId']}"))
    for task in tx.tasks(target=key):
        tx.move(task.id, "ended")
    tx.delete(key)


def _days(days: int) -> int:
    bound = f"less than or equal to {MOST}" if days > MOST else f"greater than or equal to {LEAST}"
    if not LEAST <= days <= MOST:
        raise invalid(
            f"1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: "
            f"Member must have value {bound}"
        )
    return days
