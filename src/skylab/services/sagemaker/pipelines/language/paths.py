"""Paths: of what a Get refers to (Steps.Train.ModelArtifacts['x'][0].Y), and of a place in a JSON text (JsonGet)."""

import re
from collections.abc import Sequence
from typing import Any

Part = str | int
PART = re.compile(r"""\.?([^.\[\]'"]+)|\[(\d+)\]|\[\s*'([^']*)'\s*\]|\[\s*"([^"]*)"\s*\]""")


class NoSuchPlace(Exception):
    """The path leads nowhere."""


def split(path: str) -> list[Part]:
    """Raises NoSuchPlace for what is no path."""
    parts: list[Part] = []
    end = 0
    text = path.removeprefix("$").removeprefix(".")
    while end < len(text):
        if (found := PART.match(text, end)) is None:
            raise NoSuchPlace(path)
        name, index, single, double = found.groups()
        parts.append(int(index) if index is not None else next(p for p in (name, single, double) if p is not None))
        end = found.end()
    return parts


def follow(value: Any, parts: Sequence[Part]) -> Any:
    """What lies there. A list's item may be named by its number, or by the value of its member that is a name: outputs
    by OutputName, metrics by MetricName. Raises NoSuchPlace."""
    for part in parts:
        value = _item(value, part)
    return value


def _item(value: Any, part: Part) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list):
        if isinstance(part, int):
            if part < len(value):
                return value[part]
        else:
            for item in value:
                if isinstance(item, dict) and part in (v for m, v in item.items() if m.endswith("Name")):
                    return item
    raise NoSuchPlace(part)
