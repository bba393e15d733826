"""What names a key in a request: its id, its ARN, an alias or an alias's ARN."""

import re
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.wire.errors import AwsError

_ID = re.compile(r"(mrk-[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")


def missing(message: str) -> AwsError:
    return AwsError("NotFoundException", message)


def no_key(arn: str) -> AwsError:
    return missing(f"Key '{arn}' does not exist")


def arn_of(key: Key) -> str:
    return f"arn:aws:kms:{key.region}:{key.account}:{key.type}/{key.name.removeprefix('alias/')}"


def key_in(call: Call, account: str, key_id: str) -> Key:
    return Key(account, call.region, "kms", "key", key_id.lower())


def alias_in(call: Call, account: str, name: str) -> Key:
    return Key(account, call.region, "kms", "alias", name)


def located(call: Call, key_id: str) -> Key:
    """The Key of a key or of an alias that a KeyId means; whether it is there has not been looked at."""
    account, name = call.account, key_id
    if key_id.startswith("arn:"):
        account, name = _within(call, key_id)
    if name.startswith("alias/"):
        return alias_in(call, account, name)
    if not _ID.fullmatch(name):
        raise missing(f"Invalid keyId '{name}'")
    return key_in(call, account, name)


def _within(call: Call, arn: str) -> tuple[str, str]:
    """(account, the id or "alias/…") of an ARN."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[:3] != ["arn", "aws", "kms"] or not parts[4]:
        raise AwsError("InvalidArnException", f"Invalid arn {arn}")
    if parts[3] != call.region:
        raise missing(f"Invalid arn {parts[3]}")
    if not parts[5].startswith(("key/", "alias/")):
        raise AwsError("InvalidArnException", f"Invalid arn {arn}")
    return parts[4], parts[5].removeprefix("key/")


def target(tx: Transaction, call: Call, key_id: str) -> Key:
    """The Key of the key behind a KeyId, an alias followed. Raises NotFoundException for an alias that is not there."""
    place = located(call, key_id)
    if place.type == "key":
        return place
    if (alias := tx.find(place)) is None:
        raise missing(f"Alias {arn_of(place)} is not found.")
    return key_in(call, place.account, alias["TargetKeyId"])


def find(tx: Transaction, call: Call, key_id: str) -> tuple[Key, dict[str, Any]]:
    """The key that a KeyId of any form means. Raises NotFoundException, InvalidArnException."""
    key = target(tx, call, key_id)
    if (doc := tx.find(key)) is None:
        raise no_key(arn_of(key))
    return key, doc


def own(tx: Transaction, call: Call, key_id: str) -> tuple[Key, dict[str, Any]]:
    """As find(), for operations that take neither aliases nor keys of other accounts."""
    place = located(call, key_id)
    if place.type == "alias":
        raise missing(f"Invalid keyId '{place.name}'")
    if place.account != call.account:
        raise no_key(arn_of(place))
    return find(tx, call, key_id)
