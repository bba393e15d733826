"""JSON selectors of filter patterns: { $.loss < 0.5 && ($.stage = "train*" || $.error IS TRUE) }.

    selector = "{" either "}"          either = both ("||" both)*         both = test ("&&" test)*
    test     = "(" either ")" | path (operator value | IS NULL | IS TRUE | IS FALSE | NOT EXISTS)

A message that is not a JSON object matches nothing.
"""

import json
import operator
import re
from collections.abc import Callable
from typing import Any

from skylab.kernel.wildcard import like

Test = Callable[[Any], bool]

TOKEN = re.compile(
    r'\s*(?:(?P<path>\$(?:\.[\w-]+|\[(?:\d+|"[^"]*")\])+)|(?P<op>&&|\|\||!=|<=|>=|[=<>(){}])'
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>[^\s=<>!&|(){}"$]+))'
)
STEP = re.compile(r'\.([\w-]+)|\[(\d+)\]|\["([^"]*)"\]')
COMPARE = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
DEEPEST = 20
ABSENT = object()


class BadPattern(Exception):
    """A filter pattern that is wrong, or not supported."""


def selector(text: str) -> Callable[[str], bool]:
    """Raises BadPattern."""
    reader = _Reader(text)
    reader.expect("{")
    test = reader.either(0)
    reader.expect("}")
    if reader.tokens:
        raise BadPattern("Invalid filter pattern: text behind the closing brace.")
    return lambda message: (doc := _object(message)) is not None and test(doc)


def _object(message: str) -> dict[str, Any] | None:
    if not message.lstrip().startswith("{"):
        return None
    try:
        doc = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return doc if isinstance(doc, dict) else None


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            if not (match := TOKEN.match(text, at)):
                raise BadPattern(f"Invalid filter pattern: unexpected character at position {at + 1}.")
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()
        self.tokens.reverse()

    def next(self, *kinds: str) -> tuple[str, str]:
        if not self.tokens or self.tokens[-1][0] not in kinds:
            raise BadPattern(f"Invalid filter pattern: expected {' or '.join(kinds)}.")
        return self.tokens.pop()

    def take(self, symbol: str) -> bool:
        if found := bool(self.tokens) and self.tokens[-1] == ("op", symbol):
            self.tokens.pop()
        return found

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            raise BadPattern(f"Invalid filter pattern: expected {symbol}.")

    def either(self, depth: int) -> Test:
        if depth > DEEPEST:
            raise BadPattern("Invalid filter pattern: nested too deeply.")
        tests = [self.both(depth)]
        while self.take("||"):
            tests.append(self.both(depth))
        return lambda doc: any(test(doc) for test in tests)

    def both(self, depth: int) -> Test:
        tests = [self.test(depth)]
        while self.take("&&"):
            tests.append(self.test(depth))
        return lambda doc: all(test(doc) for test in tests)

    def test(self, depth: int) -> Test:
        if self.take("("):
            inner = self.either(depth + 1)
            self.expect(")")
            return inner
        path = _steps(self.next("path")[1])
        kind, sign = self.next("op", "word")
        check = _compared(sign, *self.next("word", "quoted")) if kind == "op" else _stated(sign, self.next("word")[1])
        return lambda doc: check(_value(doc, path))


def _steps(path: str) -> list[str | int]:
    return [int(index) if index else name or quoted for name, index, quoted in STEP.findall(path)]


def _value(doc: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, str) and isinstance(doc, dict) and step in doc:
            doc = doc[step]
        elif isinstance(step, int) and isinstance(doc, list) and step < len(doc):
            doc = doc[step]
        else:
            return ABSENT
    return doc


def _stated(first: str, second: str) -> Test:
    match first.upper(), second.upper():
        case "IS", "NULL":
            return lambda value: value is None
        case "IS", "TRUE":
            return lambda value: value is True
        case "IS", "FALSE":
            return lambda value: value is False
        case "NOT", "EXISTS":
            return lambda value: value is ABSENT
    raise BadPattern(f"Invalid filter pattern: {first} {second} is not supported.")


def _compared(sign: str, kind: str, text: str) -> Test:
    number = _number(text) if kind == "word" else None
    if kind == "word" and text.startswith("%"):
        raise BadPattern("Invalid filter pattern: regular expressions are not supported.")
    if sign in COMPARE:
        if number is None:
            raise BadPattern(f"Invalid filter pattern: {sign} needs a number.")
        return lambda value: _is_number(value) and COMPARE[sign](value, number)
    if sign not in ("=", "!="):
        raise BadPattern(f"Invalid filter pattern: unexpected {sign}.")

    def equal(value: Any) -> bool:
        if number is not None and _is_number(value):
            return value == number
        return isinstance(value, str) and like(text, value, single="")

    return equal if sign == "=" else lambda value: value is not ABSENT and not equal(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
