"""How the registry's resources are named: by name or by ARN, which is in small letters, and may be another account's.

A version's key is <group>/<number>, as in its ARN.
"""

from __future__ import annotations

import re
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.wire.errors import AwsError, invalid

GROUP, PACKAGE, CARD = "model-package-group", "model-package", "model-card"
ARN = re.compile(r"arn:aws:sagemaker:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<type>[a-z-]+)/(?P<name>.+)")


def arn(key: Key) -> str:
    return f"arn:aws:sagemaker:{key.region}:{key.account}:{key.type}/{key.name.lower()}"


def wanted(call: Call, type: str, given: str) -> Key:
    """The key that a name or an ARN means; in an ARN its name may differ in the size of its letters."""
    if not given.startswith("arn:"):
        return Key(call.account, call.region, "sagemaker", type, given)
    found = ARN.fullmatch(given)
    if not found or found["type"] != type:
        raise invalid(f"Invalid ARN: {given}")
    return Key(found["account"], found["region"], "sagemaker", type, found["name"])


def spelled(tx: Transaction, key: Key) -> Key:
    """The same key in the letters that it was made with; unchanged where there is none."""
    if tx.find(key) is not None:
        return key
    if key.type == PACKAGE and "/" in key.name:
        group, _, number = key.name.rpartition("/")
        return key._replace(name=f"{spelled(tx, key._replace(type=GROUP, name=group)).name}/{number}")
    row = tx.db.execute(
        "select name from resource where (account, region, service, type) = (?, ?, ?, ?) and lower(name) = ?",
        (*key[:4], key.name.lower()),
    ).fetchone()
    return key._replace(name=row[0]) if row else key


def find(tx: Transaction, call: Call, type: str, given: str) -> tuple[Key, dict[str, Any]]:
    """Raises AwsError."""
    key = spelled(tx, wanted(call, type, given))
    if (doc := tx.find(key)) is None:
        raise missing(key)
    return key, doc


def missing(key: Key) -> AwsError:
    if key.type == CARD:
        return AwsError("ResourceNotFound", f"Model card {arn(key)} does not exist.", 400)
    return invalid(f"Could not find {key.type.replace('-', ' ')} {arn(key)}.")
