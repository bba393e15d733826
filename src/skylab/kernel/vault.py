"""The root key of a folder, under which everything secret on its disk is sealed.

    <root>/root.key     32 random bytes, mode 0600; or the same, wrapped by what scrypt makes of a passphrase
    <root>/root.check   a constant sealed by that key: it tells a lost or foreign root.key from a first start

    sealed = 1 (version) | nonce, 12 bytes | AES-256-GCM ciphertext and tag; version and `about` are authenticated

The key is written before the check: a folder with a check and without a key has lost it. A new key is made only where
neither is there, because whatever the old one sealed would be lost without a word.
"""

import base64
import json
import os
from pathlib import Path
from typing import Any, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from skylab.kernel.refused import Refused

_VERSION, _NONCE, _TAG = b"\x01", 12, 16
_CHECK = b"skylab root key check"
_WRAP = b"skylab root key"
_COST = {"n": 2**16, "r": 8, "p": 1}  # 64 MiB and about 0.2 s for each guess
_VARIABLE = "SKYLAB_ROOT_KEY_PASSPHRASE"


class Tampered(Exception):
    """These bytes are not what was sealed under this key about this."""


class _Settings(Protocol):
    @property
    def root_key_passphrase(self) -> str: ...


class Vault:
    """Seals small secrets. Safe to use from any thread; holds the root key in memory and nowhere else."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def open(cls, root: Path, settings: _Settings) -> Self:
        """The folder's vault, made at its first start. Raises Refused for a key that is lost, altered or locked."""
        path, check = root / "root.key", root / "root.check"
        if not path.exists():
            if check.exists():
                raise Refused(f"{path} is gone, and what it sealed cannot be read without it: put it back from a copy.")
            _write(path, _made(settings.root_key_passphrase))
        vault = cls(_read(path, settings.root_key_passphrase))
        if not check.exists():
            _write(check, vault.seal(_CHECK, b"check"))
        vault._prove(path, check)
        return vault

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """about: what the secret belongs to; it is needed again to unseal, and not kept in what is returned."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, plain, _VERSION + about)

    def unseal(self, sealed: bytes, about: bytes) -> bytes:
        """Raises Tampered unless seal(plain, about) of this folder returned exactly these bytes."""
        if len(sealed) < 1 + _NONCE + _TAG or sealed[:1] != _VERSION:
            raise Tampered("no sealed bytes of a version that is known")
        nonce, ciphertext = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, _VERSION + about)
        except InvalidTag:
            raise Tampered("the seal does not match") from None

    def _prove(self, path: Path, check: Path) -> None:
        try:
            if self.unseal(check.read_bytes(), b"check") == _CHECK:
                return
        except (OSError, Tampered):
            pass
        raise Refused(f"{path} is not the key that sealed this folder: put back the right one from a copy.")


def _made(passphrase: str) -> bytes:
    """A new root.key."""
    key = os.urandom(32)
    if not passphrase:
        return _text({"version": 1, "key": _encoded(key)})
    salt = os.urandom(16)
    wrapped = Vault(_stretched(passphrase, salt, _COST)).seal(key, _WRAP)
    return _text({"version": 1, "scrypt": _COST, "salt": _encoded(salt), "wrapped": _encoded(wrapped)})


def _read(path: Path, passphrase: str) -> bytes:
    """The 32 bytes of a root.key. Raises Refused."""
    if (mode := path.stat().st_mode & 0o777) & 0o077:
        raise Refused(f"{path} can be read by others (mode {mode:o}): run `chmod 600 {path}`.")
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != 1:
            raise Refused(f"{path} was written by a newer Skylab: upgrade with pip.")
        key = _unwrapped(path, document, passphrase) if "wrapped" in document else _decoded(document["key"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise Refused(f"{path} cannot be read as a root key: put it back from a copy.") from None
    if len(key) != 32:
        raise Refused(f"{path} cannot be read as a root key: put it back from a copy.")
    if passphrase and "wrapped" not in document:
        raise Refused(f"{path} was made without a passphrase: start without {_VARIABLE}.")
    return key


def _unwrapped(path: Path, document: dict[str, Any], passphrase: str) -> bytes:
    if not passphrase:
        raise Refused(f"{path} is locked by a passphrase: set {_VARIABLE}.")
    cost = {name: int(document["scrypt"][name]) for name in _COST}
    if any(cost[name] > 16 * most for name, most in _COST.items()):
        raise ValueError("more than any key of ours costs")
    stretched = _stretched(passphrase, _decoded(document["salt"]), cost)
    try:
        return Vault(stretched).unseal(_decoded(document["wrapped"]), _WRAP)
    except Tampered:
        raise Refused(f"The passphrase does not open {path}: set {_VARIABLE} to the one it was made with.") from None


def _stretched(passphrase: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return Scrypt(salt, 32, **cost).derive(passphrase.encode())


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _text(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and on the disk before it returns: losing it in a power cut would lose everything."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
