"""Imported key material: wrapped by the caller for a key pair of ours, and checked to be what the key needs.

The private half of that pair travels in the import token, sealed: nothing is kept between the two calls. Material that
expires or is deleted leaves its document behind, which says what has to be imported again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.kms import import_tokens, materials, states
from skylab.services.kms.creation import with_material
from skylab.services.kms.expiry import KIND, remove
from skylab.services.kms.materials import Materials, identify, of_key, place
from skylab.services.kms.names import own
from skylab.services.kms.specs import is_symmetric
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.kms import *

LONGEST = timedelta(days=365)


class Imports:
    def get_parameters_for_import(self, call: Call, request: GetParametersForImportRequest) -> dict[str, Any]:
        with call.reading() as tx:
            _, doc = own(tx, call, request["KeyId"])
        states.origin(doc, "EXTERNAL")
        states.not_doomed(doc)
        made = import_tokens.issue(call, doc["Arn"], request["WrappingAlgorithm"], request["WrappingKeySpec"])
        return {"KeyId": doc["Arn"]} | made

    def import_key_material(self, call: Call, request: ImportKeyMaterialRequest) -> dict[str, Any]:
        expiry = _expiry(call, request)
        with call.reading() as tx:
            _, doc = own(tx, call, request["KeyId"])
        states.origin(doc, "EXTERNAL")
        states.not_doomed(doc)
        wrapped, token = request["EncryptedKeyMaterial"], request["ImportToken"]
        plain = import_tokens.unwrap(call, doc, token, wrapped)
        material_id = identify(doc["Arn"], plain)
        with call.writing() as tx:
            key, doc = own(tx, call, request["KeyId"])
            states.not_doomed(doc)
            _expected(tx, key, doc, request, material_id)
            doc = _imported(tx, call, key, doc, plain, expiry | _described(request))
            if "ValidTo" in expiry:
                tx.start(KIND, key, expiry["ValidTo"], id=call.ids.new(), material=material_id)
            tx.put(key, doc, call.now)
        call.part["materials"].forget(key)
        return {"KeyId": doc["Arn"], "KeyMaterialId": material_id if is_symmetric(doc) else None}

    def delete_imported_key_material(self, call: Call, request: DeleteImportedKeyMaterialRequest) -> dict[str, Any]:
        with call.writing() as tx:
            key, doc = own(tx, call, request["KeyId"])
            states.origin(doc, "EXTERNAL")
            material_id = request.get("KeyMaterialId") or doc["_"].get("material")
            if material_id is not None:
                if tx.find(place(key, material_id)) is None:
                    raise AwsError("NotFoundException", f"Key material {material_id} is not found.")
                tx.put(key, remove(tx, key, doc, material_id, call.now), call.now)
        call.part["materials"].forget(key)
        return {"KeyId": doc["Arn"], "KeyMaterialId": material_id if is_symmetric(doc) else None}


def _expiry(call: Call, request: Any) -> dict[str, Any]:
    model, valid_to = request.get("ExpirationModel", "KEY_MATERIAL_EXPIRES"), request.get("ValidTo")
    if model == "KEY_MATERIAL_DOES_NOT_EXPIRE":
        if valid_to is not None:
            raise invalid("A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
        return {"ExpirationModel": model}
    if valid_to is None:
        raise invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
    if not call.now < valid_to <= call.now + LONGEST:
        raise invalid("A validTo date must be in the future, and at most 365 days away")
    return {"ExpirationModel": model, "ValidTo": valid_to}


def _described(request: Any) -> dict[str, Any]:
    given = "KeyMaterialDescription" in request
    return {"KeyMaterialDescription": request["KeyMaterialDescription"]} if given else {}


def _expected(tx: Transaction, key: Key, doc: dict[str, Any], request: Any, material_id: str) -> None:
    """Raises AwsError unless this is material that the key may get now."""
    known = {one["KeyMaterialId"]: one for one in of_key(tx, key)}
    kind = request.get("ImportType", "EXISTING_KEY_MATERIAL" if known else "NEW_KEY_MATERIAL")
    wanted = request.get("KeyMaterialId", material_id)
    if not is_symmetric(doc) and {"ImportType", "KeyMaterialId", "KeyMaterialDescription"} & set(request):
        raise invalid("ImportType, KeyMaterialId and KeyMaterialDescription are for symmetric encryption KMS keys.")
    if kind == "NEW_KEY_MATERIAL":
        if "KeyMaterialId" in request:
            raise invalid("A KeyMaterialId cannot be specified if the ImportType is NEW_KEY_MATERIAL")
        if material_id in known:
            message = f"Key material (id: {material_id}) is already associated with the KMS key {key.name}."
            raise AwsError("IncorrectKeyMaterialException", message)
        for one in known.values():
            if one["KeyMaterialState"] == "PENDING_ROTATION":
                raise AwsError(
                    "KMSInvalidStateException",
                    f"New key material (id: {material_id}) cannot be imported into KMS key {key.name}, because another "
                    f"key material (id: {one['KeyMaterialId']}) is pending rotation.",
                )
    elif material_id not in known or wanted != material_id:
        message = "The key material in the request is not the key material that was previously imported."
        raise AwsError("IncorrectKeyMaterialException", message)


def _imported(
    tx: Transaction, call: Call, key: Key, doc: dict[str, Any], plain: bytes, members: dict[str, Any]
) -> dict[str, Any]:
    """Writes the material, new or again, and returns the key's document with it."""
    of: Materials = call.part["materials"]
    material_id = identify(doc["Arn"], plain)
    members = members | {"ImportState": "IMPORTED"}
    if (before := tx.find(place(key, material_id))) is not None:
        before.pop("ValidTo", None)
        before["_"]["sealed"] = of.sealed(key, material_id, plain)
        tx.put(place(key, material_id), before | members, call.now)
    else:
        first = "material" not in doc["_"]
        state = "CURRENT" if first else "PENDING_ROTATION"
        of.add(tx, key, doc, plain, call.now, **members, KeyMaterialState=state)
        doc = with_material(doc, material_id) if first else doc
    if doc["_"]["material"] == material_id:
        doc.pop("ValidTo", None)
        doc |= {name: members[name] for name in ("ExpirationModel", "ValidTo") if name in members}
    if doc["KeyState"] == "PendingImport" and materials.all_there(tx, key):
        doc = states.enter(doc, "Enabled")
    return doc
