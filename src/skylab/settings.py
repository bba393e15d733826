"""The settings, in one table: name, default, sentence. Read once at start, from SKYLAB_<NAME> or the command line."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


def setting(
    default: Any, sentence: str, secret: bool = False, form: tuple[str, str] = ("(?s:.*)", ""), most: float = math.inf
) -> Any:
    """form: what a text has to match, and that in words; most: the largest that a number may be, the least is 0."""
    return field(default=default, repr=not secret, metadata={"sentence": sentence, "form": form, "most": most})


class BadSetting(Exception):
    """A setting's text does not read as its type, or is none of those that are known."""


@dataclass(frozen=True)
class Settings:
    host: str = setting("127.0.0.1", "Address that the gateway listens on.")
    port: int = setting(4566, "Port that the gateway listens on.", most=65534)
    region: str = setting(
        "us-east-1",
        "Region of the default credentials and of the default bucket.",
        form=(r"[a-z]+(-[a-z]+)+-[0-9]+", "a region's name, as us-east-1"),
    )
    account: str = setting("000000000000", "The account, twelve digits.", form=("[0-9]{12}", "twelve digits"))
    durability: str = setting(
        "kill",
        "'kill' survives the death of any process, 'power' also a power cut.",
        form=("kill|power", "kill or power"),
    )
    describe_hold_seconds: float = setting(
        5.0, "How long Describe of a fresh job or endpoint waits for its end: SDKs poll only every 30 s after it."
    )
    max_body_bytes: int = setting(70 * 1024 * 1024, "Largest body of a call that is not streamed.")
    slow_request_seconds: float = setting(
        20.0, "How long a caller may take for the head of a request, and between two pieces of its body."
    )
    sandbox: str = setting(
        "auto",
        "'auto' uses Linux namespaces where the OS allows them, 'off' never does.",
        form=("auto|off", "auto or off"),
    )
    root_key_passphrase: str = setting(
        "",
        "Passphrase that opens root.key, under which all key material is sealed; empty: the file alone opens it. "
        "It counts from the first start of a folder on.",
        secret=True,
    )
    trail_delivery_seconds: float = setting(60.0, "How often a CloudTrail trail delivers its events; AWS: about 300.")
    trail_digest_seconds: float = setting(3600.0, "How often a trail with log file validation delivers a digest.")
    capture_delivery_seconds: float = setting(
        5.0, "How long an endpoint's captured requests are gathered before they are written to S3; AWS: about a minute."
    )
    serverless_keep_seconds: float = setting(
        300.0, "How long a serverless endpoint keeps a worker that nobody asks; AWS names no number."
    )
    fallback: bool = setting(True, "Forward services that Skylab does not own to ministack, where it is installed.")

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> "Settings":
        """From the environment; what is given (and not None) goes before it. Raises BadSetting."""
        values: dict[str, Any] = {}
        for f in fields(cls):
            if (text := environ.get(f"SKYLAB_{f.name.upper()}")) is not None:
                try:
                    values[f.name] = _parse(text, type(f.default), f.metadata["form"], f.metadata["most"])
                except ValueError as wanted:
                    shown = "******" if not f.repr else repr(text)
                    raise BadSetting(f"SKYLAB_{f.name.upper()} is {shown}: write {wanted}.") from None
        return cls(**values | {name: value for name, value in given.items() if value is not None})


def _parse(text: str, kind: type, form: tuple[str, str], most: float) -> Any:
    """Raises ValueError, which says what to write."""
    if kind is bool:
        if text.lower() not in ("0", "1", "true", "false", "yes", "no"):
            raise ValueError("true or false")
        return text.lower() in ("1", "true", "yes")
    if kind is str:
        if not re.fullmatch(form[0], text):
            raise ValueError(form[1])
        return text
    number = "a whole number" if kind is int else "a number"
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(number) from None
    if not 0 <= value <= most or value == math.inf:
        raise ValueError(f"{number}, {f'0 to {most}' if most < math.inf else '0 or more'}")
    return value
