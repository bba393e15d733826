"""What a hyperparameter may be: its range, its scale, and its value as text, as AWS has it, and as the search has it.

The search works on a scale of its own: of a reverse logarithmic range it sees 1 - x.
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from skylab.wire.errors import invalid

Inner = float | int | str
WIDE = 1000.0  # Auto is logarithmic from this ratio of the ends on
KINDS = {"IntegerParameterRanges": int, "ContinuousParameterRanges": float}


@dataclass(frozen=True)
class Range:
    """kind: int, float, or str of a categorical one, which has values instead of ends and a scale.

    scale: Linear, Logarithmic, ReverseLogarithmic; Auto has been decided.
    """

    name: str
    kind: type
    low: float = 0.0
    high: float = 0.0
    scale: str = "Linear"
    values: tuple[str, ...] = ()

    @property
    def ends(self) -> tuple[float, float]:
        """On the scale of the search."""
        return (1 - self.high, 1 - self.low) if self.scale == "ReverseLogarithmic" else (self.low, self.high)

    def text(self, inner: Inner) -> str:
        if self.kind is str:
            return str(inner)
        if self.kind is int:
            return str(int(inner))
        value = 1 - float(inner) if self.scale == "ReverseLogarithmic" else float(inner)
        return repr(min(max(value, self.low), self.high))

    def inner(self, text: str | None) -> Inner | None:
        """None where the text is no value of this range."""
        if self.kind is str:
            return text if text in self.values else None
        try:
            value = self.kind(text)
        except (TypeError, ValueError):
            return None
        if not self.low <= value <= self.high:
            return None
        low, high = self.ends
        return min(max(1 - value, low), high) if self.scale == "ReverseLogarithmic" else value


def parse(given: dict[str, Any]) -> list[Range]:
    """Of ParameterRanges. Raises AwsError."""
    numeric = [_numeric(each, kind) for member, kind in KINDS.items() for each in given.get(member, [])]
    return [*numeric, *(_categorical(each) for each in given.get("CategoricalParameterRanges", []))]


def combinations(ranges: Iterable[Range]) -> int:
    """Of categorical ranges."""
    count = 1
    for each in ranges:
        count *= len(each.values)
    return count


def combination(ranges: Iterable[Range], index: int) -> dict[str, str]:
    """One of them, counted from 0; the last range changes fastest."""
    chosen: dict[str, str] = {}
    for each in reversed(list(ranges)):
        index, place = divmod(index, len(each.values))
        chosen[each.name] = each.values[place]
    return chosen


def _categorical(given: dict[str, Any]) -> Range:
    values = tuple(given["Values"])
    if len(set(values)) < len(values):
        raise invalid(f"The values of the categorical hyperparameter {given['Name']} must be distinct.")
    return Range(given["Name"], str, values=values)


def _numeric(given: dict[str, Any], kind: type) -> Range:
    name = given["Name"]
    low, high = (_number(name, given[member], kind) for member in ("MinValue", "MaxValue"))
    if low > high:
        raise invalid(f"The MinValue of hyperparameter {name} must not be greater than its MaxValue.")
    scale = given.get("ScalingType", "Auto")
    if scale == "Auto":
        scale = "Logarithmic" if low > 0 and high / low >= WIDE else "Linear"
    if scale == "Logarithmic" and low <= 0:
        raise invalid(f"Logarithmic scaling of hyperparameter {name} needs a range with only values greater than 0.")
    if scale == "ReverseLogarithmic" and (kind is int or not 0 <= low <= high < 1):
        raise invalid(
            f"Reverse logarithmic scaling of hyperparameter {name} needs a continuous range within 0 <= x < 1.0."
        )
    return Range(name, kind, low, high, scale)


def _number(name: str, text: str, kind: type) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        words = "an integer" if kind is int else "a number"
        raise invalid(f"{text!r} is not {words}: it cannot bound hyperparameter {name}.")
    return value
