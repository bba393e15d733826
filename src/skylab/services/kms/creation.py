"""How a key comes into being: its document and its first material in one transaction."""

import uuid
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.kms.materials import Materials
from skylab.services.kms.names import arn_of, key_in
from skylab.services.kms.specs import MEMBERS, SPECS, is_symmetric
from skylab.services.kms.states import enter


def new_key(call: Call) -> Key:
    """A random (version 4) UUID, as AWS names its keys."""
    digits = (call.ids.new() + call.ids.new() + call.ids.new())[:32]
    return key_in(call, call.account, str(uuid.UUID(hex=digits, version=4)))


def described(call: Call, key: Key, spec: str, usage: str, origin: str = "AWS_KMS") -> dict[str, Any]:
    """KeyMetadata of a new key without material."""
    doc = {
        "AWSAccountId": key.account,
        "KeyId": key.name,
        "Arn": arn_of(key),
        "CreationDate": call.now,
        "Description": "",
        "KeyUsage": usage,
        "Origin": origin,
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": spec,
        "KeySpec": spec,
        MEMBERS[usage]: list(SPECS[spec][usage]),
        "MultiRegion": False,
    }
    return enter(doc, "PendingImport")


def write(
    tx: Transaction, call: Call, key: Key, doc: dict[str, Any], plain: bytes | None, private: dict[str, Any]
) -> dict[str, Any]:
    """Writes a key with its material (None: it is to be imported) and what is kept beside it; returns its document."""
    materials: Materials = call.part["materials"]
    doc = doc | {"_": private}
    if plain is not None:
        current = materials.add(tx, key, doc, plain, call.now)
        doc = with_material(enter(doc, "Enabled"), current)
    tx.create(key, doc, call.now)
    return doc


def with_material(doc: dict[str, Any], material_id: str) -> dict[str, Any]:
    """AWS shows the id of the material only for symmetric encryption keys; we need it for all."""
    shown = {"CurrentKeyMaterialId": material_id} if is_symmetric(doc) else {}
    return doc | shown | {"_": doc["_"] | {"material": material_id}}
