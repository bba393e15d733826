"""Why a request was denied, in AWS's JSON, sealed: the encoded authorization message that goes with a denial.

https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from skylab.kernel.vault import Tampered, Vault

_ABOUT = b"authorization message of "
_MOST = 1 << 20  # characters of a message, opened


def message(
    vault: Vault,
    account: str,
    *,
    principal: Mapping[str, str],
    action: str,
    resource: str,
    conditions: Mapping[str, Sequence[str]],
    explicit: bool = False,
    matched: Sequence[Mapping[str, Any]] = (),
) -> str:
    """account: whose callers may decode it. principal: id, name, arn. matched: the statements of an explicit deny."""
    document = {
        "allowed": False,
        "explicitDeny": explicit,
        "matchedStatements": _items(list(matched)),
        "failures": _items([]),
        "context": {
            "principal": dict(principal),
            "action": action,
            "resource": resource,
            "conditions": _items(
                [{"key": key, "values": _items([{"value": v} for v in values])} for key, values in conditions.items()]
            ),
        },
    }
    sealed = vault.seal(zlib.compress(json.dumps(document, separators=(",", ":")).encode()), _about(account))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def opened(vault: Vault, account: str, text: str) -> str:
    """The JSON of a message(). Raises Tampered for what is none of this account."""
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        raise Tampered("no base64") from None
    return zlib.decompressobj().decompress(vault.unseal(sealed, _about(account)), _MOST).decode()


def _about(account: str) -> bytes:
    return _ABOUT + account.encode()


def _items(values: Sequence[Any]) -> dict[str, Any]:
    return {"items": list(values)}
