"""A table of hyperparameters: what each may be and what it is when not given, refused in the images' words."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from skylab.images.failures import ClientError

AUTO = "auto"
TUNED = "_tuning_objective_metric"
Reader = Callable[[str, str], Any]


@dataclass(frozen=True)
class Parameter:
    """read takes name and text. default: a text as a user would give it, None where there is none.

    may_be_auto: "auto" is a value too, and reads as None.
    """

    read: Reader
    default: str | None = None
    required: bool = False
    may_be_auto: bool = False

    def __call__(self, name: str, text: str) -> Any:
        return None if self.may_be_auto and text == AUTO else self.read(name, text)


Table = Mapping[str, Parameter]


@dataclass(frozen=True)
class Range:
    """ends: whether low and high are included, as brackets: "[]", "(]", "()"."""

    kind: type
    low: float = float("-inf")
    high: float = float("inf")
    ends: str = "[]"

    def __call__(self, name: str, text: str) -> Any:
        try:
            value = self.kind(text)
        except ValueError as error:
            word = "an integer" if self.kind is int else "a number"
            raise ClientError(f"Hyperparameter {name}: {text!r} is not {word} (caused by ValidationError)") from error
        above = value >= self.low if self.ends[0] == "[" else value > self.low
        below = value <= self.high if self.ends[1] == "]" else value < self.high
        if not (above and below):
            words = f"{self.ends[0]}{self.low:g}, {self.high:g}{self.ends[1]}"
            raise ClientError(f"Hyperparameter {name}: {text} is not in range {words} (caused by ValidationError)")
        return value


@dataclass(frozen=True)
class OneOf:
    words: tuple[str, ...]

    def __call__(self, name: str, text: str) -> str:
        if text not in self.words:
            raise ClientError(
                f"Hyperparameter {name}: {text!r} is not one of {list(self.words)} (caused by ValidationError)"
            )
        return text


@dataclass(frozen=True)
class ListOf:
    """A JSON list of words, all of them among words."""

    words: tuple[str, ...]

    def __call__(self, name: str, text: str) -> list[str]:
        try:
            listed = json.loads(text)
        except ValueError as error:
            raise ClientError(
                f"Hyperparameter must be valid json, but found {name}: {text} (caused by ValueError)"
            ) from error
        if not isinstance(listed, list) or not listed or any(each not in self.words for each in listed):
            raise ClientError(
                f"Hyperparameter {name}: {text} is not a list of {list(self.words)} (caused by ValidationError)"
            )
        return listed


def true_or_false(name: str, text: str) -> bool:
    """The SDK writes Python's True, AWS's pages say true."""
    return OneOf(("true", "false"))(name, text.lower()) == "true"


def integer(default: str | None = None, low: float = 1, high: float = float("inf"), **more: bool) -> Parameter:
    return Parameter(Range(int, low, high), default, **more)


def number(
    default: str | None = None, low: float = 0, high: float = float("inf"), ends: str = "[]", **more: bool
) -> Parameter:
    return Parameter(Range(float, low, high, ends), default, **more)


def choice(words: str, default: str | None = None, **more: bool) -> Parameter:
    return Parameter(OneOf(tuple(words.split())), default, **more)


def flag(default: str, **more: bool) -> Parameter:
    return Parameter(true_or_false, default, **more)


def validated(table: Table, given: dict[str, str]) -> dict[str, Any]:
    """Every hyperparameter of table by its name, None where it is auto or not given. Raises ClientError."""
    texts = {name: _unquoted(str(text)) for name, text in given.items() if name != TUNED}
    missing = [name for name, each in table.items() if each.required and not texts.get(name)]
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        raise ClientError(
            f"No value(s) were specified for {names} which are required hyperparameter(s) (caused by ValidationError)"
        )
    if extra := [name for name in texts if name not in table]:
        names, were = ", ".join(f"'{name}'" for name in extra), "was" if len(extra) == 1 else "were"
        raise ClientError(
            f"Additional hyperparameters are not allowed ({names} {were} unexpected) (caused by ValidationError)"
        )
    chosen = {name: texts.get(name, each.default) for name, each in table.items()}
    return {name: None if text is None else table[name](name, text) for name, text in chosen.items()}


def _unquoted(text: str) -> str:
    """The tuner and the framework estimators send words in JSON's quotes."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
