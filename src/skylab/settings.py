"""The settings, in one table: name, default, sentence. Read once at start, from SKYLAB_<NAME> or the command line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


def setting(default: Any, sentence: str, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"sentence": sentence})


class BadSetting(Exception):
    """A setting's text does not read as its type."""


@dataclass(frozen=True)
class Settings:
    host: str = setting("127.0.0.1", "Address that the gateway listens on.")
    port: int = setting(4566, "Port that the gateway listens on.")
    region: str = setting("us-east-1", "Region of the default credentials and of the default bucket.")
    account: str = setting("000000000000", "The account, twelve digits.")
    durability: str = setting("kill", "'kill' survives the death of any process, 'power' also a power cut.")
    describe_hold_seconds: float = setting(
        5.0, "How long Describe of a fresh job or endpoint waits for its end: SDKs poll only every 30 s after it."
    )
    max_body_bytes: int = setting(70 * 1024 * 1024, "Largest body of a call that is not streamed.")
    slow_request_seconds: float = setting(
        20.0, "How long a caller may take for the head of a request, and between two pieces of its body."
    )
    sandbox: str = setting("auto", "'auto' uses Linux namespaces where the OS allows them, 'off' never does.")
    root_key_passphrase: str = setting(
        "",
        "Passphrase that opens root.key, under which all key material is sealed; empty: the file alone opens it. "
        "It counts from the first start of a folder on.",
        secret=True,
    )
    trail_delivery_seconds: float = setting(60.0, "How often a CloudTrail trail delivers its events; AWS: about 300.")
    trail_digest_seconds: float = setting(3600.0, "How often a trail with log file validation delivers a digest.")
    fallback: bool = setting(True, "Forward services that Skylab does not own to ministack, where it is installed.")

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> "Settings":
        """From the environment; what is given (and not None) goes before it. Raises BadSetting."""
        values: dict[str, Any] = {}
        for f in fields(cls):
            if (text := environ.get(f"SKYLAB_{f.name.upper()}")) is not None:
                values[f.name] = _parse(f.name, text, type(f.default))
        return cls(**values | {name: value for name, value in given.items() if value is not None})


def _parse(name: str, text: str, kind: type) -> Any:
    if kind is bool:
        if text.lower() not in ("0", "1", "true", "false", "yes", "no"):
            raise BadSetting(f"SKYLAB_{name.upper()} is {text!r}: write true or false.")
        return text.lower() in ("1", "true", "yes")
    try:
        return kind(text)
    except ValueError:
        raise BadSetting(f"SKYLAB_{name.upper()} is {text!r}: write a {kind.__name__}.") from None
