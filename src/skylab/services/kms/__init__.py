"""AWS KMS: keys are documents; their material is sealed under the folder's root key and unsealed only in memory."""

import sqlite3
from pathlib import Path
from typing import Any

from skylab.kernel.clock import Clock
from skylab.kernel.refused import Refused
from skylab.kernel.store import load
from skylab.kernel.vault import Vault
from skylab.services.kms.aliases import Aliases
from skylab.services.kms.datakeys import DataKeys
from skylab.services.kms.deletion import Deletion, Deletions
from skylab.services.kms.encryption import Encryption
from skylab.services.kms.expiry import Expiry
from skylab.services.kms.grants import Grants
from skylab.services.kms.importing import Imports
from skylab.services.kms.keys import Keys
from skylab.services.kms.macs import Macs
from skylab.services.kms.materials import Materials
from skylab.services.kms.policies import KeyPolicies
from skylab.services.kms.rotation import Rotation, Rotations
from skylab.services.kms.signing import Signatures
from skylab.services.kms.tags import Tags
from skylab.settings import Settings

NAME = "kms"
RESOURCES = [
    Keys,
    Aliases,
    Tags,
    KeyPolicies,
    Grants,
    Encryption,
    DataKeys,
    Signatures,
    Macs,
    Rotations,
    Deletions,
    Imports,
]
WORK = {
    "kms-rotation": Rotation,
    "kms-deletion": Deletion,
    "kms-expiry": Expiry,
}
INVALID = "ValidationException"


def open(root: Path, settings: Settings, clock: Clock) -> dict[str, Any]:
    """Raises Refused where the root key is not the one that the keys of this folder are sealed under."""
    materials = Materials(Vault.open(root, settings))
    if (sealed := _any_sealed(root)) is not None and not materials.opens(sealed):
        raise Refused(
            f"{root / 'root.key'} does not open the keys in {root / 'state.db'}: put back the right one from a copy."
        )
    return {"materials": materials}


def _any_sealed(root: Path) -> dict[str, Any] | None:
    """Some sealed material, as a document with the account, region and name under which it is kept."""
    if not (root / "state.db").exists():
        return None
    db = sqlite3.connect(root / "state.db")
    try:
        row = db.execute(
            "select account, region, name, doc from resource where service = 'kms' and type = 'material'"
            " and doc like '%\"sealed\"%' limit 1"
        ).fetchone()
    except sqlite3.OperationalError:  # a folder whose tables have not been made yet
        return None
    finally:
        db.close()
    return None if row is None else {"account": row[0], "region": row[1], "name": row[2], "doc": load(row[3])}
