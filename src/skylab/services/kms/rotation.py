"""Rotation: a key gets new material to encrypt with, and keeps all the old to decrypt with.

When it happens by itself is one task for each key, which begins with EnableKeyRotation; the key's document says when
the next rotation is due, and the task looks there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Store, Task, Transaction
from skylab.services.call import Call
from skylab.services.kms import states
from skylab.services.kms.creation import with_material
from skylab.services.kms.materials import Materials, generate, of_key, place
from skylab.services.kms.names import own
from skylab.services.kms.pages import page
from skylab.services.kms.specs import is_symmetric
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.kms import *

KIND = "kms-rotation"
YEAR = 365
MOST = 25  # rotations on demand, https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html
LOOK = timedelta(days=1)  # for a key that is disabled: enabling it looks at once


class Rotations:
    def enable_key_rotation(self, call: Call, request: EnableKeyRotationRequest) -> None:
        period = request.get("RotationPeriodInDays", YEAR)
        with call.writing() as tx:
            key, doc = _rotatable(tx, call, request["KeyId"], "EnableKeyRotation")
            states.usable(doc)
            states.origin(doc, "AWS_KMS")
            due = call.now + timedelta(days=period)
            doc["_"]["rotation"] = {"enabled": True, "period": period, "next": due}
            tx.put(key, doc, call.now)
            if not wake(tx, key, due):
                tx.start(KIND, key, due, id=call.ids.new())

    def disable_key_rotation(self, call: Call, request: DisableKeyRotationRequest) -> None:
        with call.writing() as tx:
            key, doc = _rotatable(tx, call, request["KeyId"], "DisableKeyRotation")
            states.usable(doc)
            states.origin(doc, "AWS_KMS")
            doc["_"].pop("rotation", None)
            tx.put(key, doc, call.now)

    def get_key_rotation_status(self, call: Call, request: GetKeyRotationStatusRequest) -> dict[str, Any]:
        with call.reading() as tx:
            key, doc = own(tx, call, request["KeyId"])
        _symmetric(doc)
        rotation = doc["_"].get("rotation", {"enabled": False})
        answer = {"KeyId": key.name, "KeyRotationEnabled": rotation["enabled"]}
        if rotation["enabled"] and doc["KeyState"] != "PendingDeletion":
            answer |= {"RotationPeriodInDays": rotation["period"], "NextRotationDate": rotation["next"]}
        return answer

    def rotate_key_on_demand(self, call: Call, request: RotateKeyOnDemandRequest) -> dict[str, Any]:
        with call.writing() as tx:
            key, doc = _rotatable(tx, call, request["KeyId"], "RotateKeyOnDemand")
            states.usable(doc)
            done = [one for one in of_key(tx, key) if one.get("RotationType") == "ON_DEMAND"]
            if len(done) >= MOST:
                raise AwsError(
                    "LimitExceededException",
                    "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations "
                    f"can be performed for this key: {doc['Arn']}",
                )
            if doc["Origin"] == "EXTERNAL":
                doc = _to_imported(tx, key, doc, call.now)
            else:
                doc = to_new(tx, call.part["materials"], key, doc, "ON_DEMAND", call.now)
            tx.put(key, doc, call.now)
        return {"KeyId": key.name}

    def list_key_rotations(self, call: Call, request: ListKeyRotationsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            key, doc = own(tx, call, request["KeyId"])
            _symmetric(doc)
            found = of_key(tx, key)
        if request.get("IncludeKeyMaterial") != "ALL_KEY_MATERIAL":
            found = [one for one in found if "RotationDate" in one]
        places = {one["KeyMaterialId"]: f"{number:06d}" for number, one in enumerate(found)}
        return page(found, request, "Rotations", lambda one: places[one["KeyMaterialId"]], 100)


class Rotation:
    """The Work behind automatic rotation."""

    def __init__(self, world: World) -> None:
        self.store: Store = world.store
        self.materials: Materials = world.parts["kms"]["materials"]

    def advance(self, task: Task, now: datetime) -> float | None:
        with self.store.writing() as tx:
            doc = tx.find(task.target)
            rotation = doc["_"].get("rotation") if doc else None
            if doc is None or rotation is None:
                tx.move(task.id, "ended")
            elif doc["KeyState"] != "Enabled":
                tx.delay(task.id, now + LOOK)
            elif rotation["next"] > now:
                tx.delay(task.id, rotation["next"])
            else:
                doc = to_new(tx, self.materials, task.target, doc, "AUTOMATIC", now)
                doc["_"]["rotation"] = rotation | {"next": now + timedelta(days=rotation["period"])}
                tx.put(task.target, doc, now)
                tx.delay(task.id, doc["_"]["rotation"]["next"])
        return None


def wake(tx: Transaction, key: Key, due: datetime) -> bool:
    """Lets the key's rotation be looked at when due; False when it has none."""
    tasks = [task for task in tx.tasks(target=key) if task.kind == KIND]
    for task in tasks:
        tx.delay(task.id, due)
    return bool(tasks)


def to_new(
    tx: Transaction, materials: Materials, key: Key, doc: dict[str, Any], how: str, now: datetime
) -> dict[str, Any]:
    """The key's document with new material; the one before is for decryption only from now on."""
    retire(tx, key, doc, now)
    fresh = materials.add(tx, key, doc, generate(doc["KeySpec"]), now, RotationDate=now, RotationType=how)
    return with_material(doc, fresh)


def retire(tx: Transaction, key: Key, doc: dict[str, Any], now: datetime) -> None:
    current = place(key, doc["_"]["material"])
    tx.put(current, tx.get(current) | {"KeyMaterialState": "NON_CURRENT"}, now)


def _to_imported(tx: Transaction, key: Key, doc: dict[str, Any], now: datetime) -> dict[str, Any]:
    pending = [one for one in of_key(tx, key) if one["KeyMaterialState"] == "PENDING_ROTATION"]
    if not pending:
        raise AwsError(
            "KMSInvalidStateException", f"No available key material pending rotation for the key: {doc['Arn']}."
        )
    retire(tx, key, doc, now)
    rotated = {"KeyMaterialState": "CURRENT", "RotationDate": now, "RotationType": "ON_DEMAND"}
    tx.put(place(key, pending[0]["KeyMaterialId"]), pending[0] | rotated, now)
    members = {name: pending[0].get(name) for name in ("ExpirationModel", "ValidTo")}
    doc = {name: value for name, value in (doc | members).items() if value is not None}
    return with_material(doc, pending[0]["KeyMaterialId"])


def _symmetric(doc: dict[str, Any]) -> None:
    if not is_symmetric(doc):
        raise AwsError("UnsupportedOperationException", "")


def _rotatable(tx: Transaction, call: Call, key_id: str, operation: str) -> tuple[Key, dict[str, Any]]:
    key, doc = own(tx, call, key_id)
    states.customer_managed(call, doc, operation)
    _symmetric(doc)
    return key, doc
