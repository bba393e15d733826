"""One-time passwords of virtual MFA devices (RFC 6238: six digits of HMAC-SHA-1, a new one every thirty seconds).

A device is a document of IAM (type "mfa", named as behind "mfa/" in its ARN). Its seed is sealed; the step of the code
used last is kept, because a code counts once; drift is how many steps its clock is ahead, as a resync found it.
"""

import base64
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.kernel.vault import Vault

STEP = 30  # seconds
NEAR, FAR = 1, 120  # steps that a clock may be off: at sign-in, and when it is enabled or resynchronised


def device_key(serial: str) -> Key | None:
    """arn:aws:iam::account:mfa/name → where the device is kept; None for what is no virtual device's serial number."""
    parts = serial.split(":")
    if parts[:3] != ["arn", "aws", "iam"] or len(parts) != 6 or not parts[5].startswith("mfa/"):
        return None
    return Key(parts[4], "", "iam", "mfa", parts[5].removeprefix("mfa/"))


def sealed(vault: Vault, serial: str, seed: bytes) -> str:
    return base64.b64encode(vault.seal(seed, serial.encode())).decode()


def proved(tx: Transaction, vault: Vault, owner: str, serial: str, code: str, now: datetime) -> bool:
    """Whether the code is the one that the user's enabled device shows now; it is used up thereby. owner: AIDA…"""
    key = device_key(serial)
    doc = tx.find(key) if key else None
    if key is None or doc is None or doc["_"]["user"] != owner:
        return False
    here = _step(now) + doc["_"]["drift"]
    found = _find(vault, doc, [code], range(here - NEAR, here + NEAR + 1))
    if found is None or found <= doc["_"]["used"]:
        return False
    tx.put(key, doc | {"_": doc["_"] | {"used": found}}, now)
    return True


def synchronised(vault: Vault, doc: dict[str, Any], first: str, second: str, now: datetime) -> dict[str, Any] | None:
    """The device's private members once two codes, one after the other, have shown where its clock is; or None."""
    here = _step(now)
    nearest_first = sorted(range(here - FAR, here + FAR), key=lambda step: abs(step - here))
    found = _find(vault, doc, [first, second], nearest_first)
    if found is None:
        return None
    drift = found + 1 - here
    return doc["_"] | {"drift": drift if abs(drift) > NEAR else 0, "used": found + 1}


def _find(vault: Vault, doc: dict[str, Any], codes: list[str], steps: Any) -> int | None:
    """The first of the steps that has these codes, in a row."""
    seed = vault.unseal(base64.b64decode(doc["_"]["seed"]), doc["SerialNumber"].encode())
    made = HOTP(seed, 6, SHA1(), enforce_key_length=False)
    return next((step for step in steps if all(_is(made, code, step + n) for n, code in enumerate(codes))), None)


def _is(made: HOTP, code: str, step: int) -> bool:
    try:
        made.verify(code.encode(), step)
    except InvalidToken:
        return False
    return True


def _step(now: datetime) -> int:
    return int(now.timestamp()) // STEP
