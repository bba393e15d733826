"""The end of imported material: at its date, or when it is asked for. The key then waits to be given the same again."""

from datetime import datetime
from typing import Any

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Store, Task, Transaction
from skylab.services.kms.materials import Materials, place
from skylab.services.kms.states import enter

KIND = "kms-expiry"


class Expiry:
    """The Work that ends material at its date. Each import starts a task; only the last one finds its date reached."""

    def __init__(self, world: World) -> None:
        self.store: Store = world.store
        self.materials: Materials = world.parts["kms"]["materials"]

    def advance(self, task: Task, now: datetime) -> float | None:
        material_id = task.data["material"]
        with self.store.writing() as tx:
            doc, material = tx.find(task.target), tx.find(place(task.target, material_id))
            if doc and material and "sealed" in material["_"] and "ValidTo" in material and material["ValidTo"] <= now:
                tx.put(task.target, remove(tx, task.target, doc, material_id, now), now)
            tx.move(task.id, "ended")
        self.materials.forget(task.target)
        return None


def remove(tx: Transaction, key: Key, doc: dict[str, Any], material_id: str, now: datetime) -> dict[str, Any]:
    """Takes imported material away and returns the key's document without it."""
    at = place(key, material_id)
    material = tx.get(at)
    if material["KeyMaterialState"] == "PENDING_ROTATION":
        tx.delete(at)  # it never was the key's
        return doc
    material["_"].pop("sealed", None)
    material.pop("ValidTo", None)
    material.pop("ExpirationModel", None)
    tx.put(at, material | {"ImportState": "PENDING_IMPORT"}, now)
    if material_id == doc["_"]["material"]:
        doc = {name: value for name, value in doc.items() if name not in ("ValidTo", "ExpirationModel")}
    return doc if doc["KeyState"] == "PendingDeletion" else enter(doc, "PendingImport")
