"""The condition operators: each makes, of the policy's values, one question to a value of the request.

Negated operators ask the same; a Test turns the answer.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import base64
import binascii
import ipaddress
import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from skylab.policy.literals import instant, number
from skylab.policy.patterns import patterns
from skylab.policy.resources import SEGMENTS, alike
from skylab.policy.variables import Context, Template, masked, template

Matcher = Callable[[str, Context], bool]


class Operator(NamedTuple):
    """make: raises ValueError for a value it cannot read. variables: may its values have some?"""

    make: Callable[[Sequence[str | Template]], Matcher]
    negated: bool = False
    variables: bool = False


def _equal(values: Sequence[str | Template]) -> Matcher:
    exact, templates = _parted(values)
    return lambda value, context: value in exact or any(each.text(context) == value for each in templates)


def _equal_ignoring_case(values: Sequence[str | Template]) -> Matcher:
    exact, templates = _parted(values)
    lowered = frozenset(map(str.lower, exact))

    def match(value: str, context: Context) -> bool:
        lower = value.lower()
        return lower in lowered or any((each.text(context) or "").lower() == lower != "" for each in templates)

    return match


def _like(values: Sequence[str | Template]) -> Matcher:
    written, templates = _parted(values)
    fixed = patterns(written)
    return lambda value, context: fixed.match(value) or any(each.like(value, context) for each in templates)


def _arn_like(values: Sequence[str | Template]) -> Matcher:
    """Segment by segment; a value that is * alone is any ARN."""
    written, templates = _parted(values)
    fixed = [tuple(value.split(":", SEGMENTS - 1)) for value in written if value != "*"]
    variable = [_segments(each) for each in templates]
    anything = "*" in written

    def match(value: str, context: Context) -> bool:
        segments = value.split(":", SEGMENTS - 1)
        if len(segments) < SEGMENTS:
            return False
        return (
            anything
            or any(alike(pattern, segments) for pattern in fixed)
            or any(_filled_like(pattern, segments, context) for pattern in variable)
        )

    return match


def _segments(pattern: Template) -> list[str | Template]:
    """An ARN's, with the variables of each: a colon inside a variable's name parts nothing."""
    text, segments, start = pattern.written, [], 0
    bare = masked(text)
    for _ in range(SEGMENTS - 1):
        if (end := bare.find(":", start)) < 0:
            break
        segments.append(text[start:end])
        start = end + 1
    return [template(each) or each for each in [*segments, text[start:]]]


def _filled_like(pattern: Sequence[str | Template], segments: list[str], context: Context) -> bool:
    return len(pattern) == len(segments) and all(
        each.like(segment, context) if isinstance(each, Template) else alike((each,), [segment])
        for each, segment in zip(pattern, segments, strict=True)
    )


def _binary(values: Sequence[str | Template]) -> Matcher:
    """A binary value is in the context as base64, as it is in the policy."""
    wanted = frozenset(_decoded(value) for value in _texts(values))

    def match(value: str, context: Context) -> bool:
        try:
            return _decoded(value) in wanted
        except ValueError:
            return False

    return match


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, UnicodeError) as problem:
        raise ValueError(text) from problem


@lru_cache(1024)  # every policy asks for the address of the same callers
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def _in_network(values: Sequence[str | Template]) -> Matcher:
    networks = [ipaddress.ip_network(value, strict=False) for value in _texts(values)]

    def match(value: str, context: Context) -> bool:
        try:
            address = _address(value)
        except ValueError:
            return False
        return any(address in network for network in networks)

    return match


def _comparing(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Operator:
    def make(values: Sequence[str | Template]) -> Matcher:
        wanted = [read(value) for value in _texts(values)]

        def match(value: str, context: Context) -> bool:
            try:
                found = read(value)
            except ValueError:
                return False
            return any(compare(found, each) for each in wanted)

        return match

    return Operator(make)


def _parted(values: Sequence[str | Template]) -> tuple[frozenset[str], list[Template]]:
    return frozenset(_texts(values)), [value for value in values if isinstance(value, Template)]


def _texts(values: Sequence[str | Template]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def _operators() -> dict[str, Operator]:
    """By their names in lower case; the negated ones beside those they negate."""
    found: dict[str, Operator] = {}
    for name, negative, make in [
        ("stringequals", "stringnotequals", _equal),
        ("stringequalsignorecase", "stringnotequalsignorecase", _equal_ignoring_case),
        ("stringlike", "stringnotlike", _like),
        ("arnequals", "arnnotequals", _arn_like),
        ("arnlike", "arnnotlike", _arn_like),
    ]:
        found[name] = Operator(make, variables=True)
        found[negative] = Operator(make, negated=True, variables=True)
    for family, read in [("numeric", number), ("date", instant)]:
        equals = _comparing(read, operator.eq)
        found[f"{family}equals"], found[f"{family}notequals"] = equals, equals._replace(negated=True)
        found[f"{family}lessthan"] = _comparing(read, operator.lt)
        found[f"{family}lessthanequals"] = _comparing(read, operator.le)
        found[f"{family}greaterthan"] = _comparing(read, operator.gt)
        found[f"{family}greaterthanequals"] = _comparing(read, operator.ge)
    return found | {
        "bool": Operator(_equal_ignoring_case, variables=True),
        "null": Operator(_equal_ignoring_case),
        "binaryequals": Operator(_binary),
        "ipaddress": Operator(_in_network),
        "notipaddress": Operator(_in_network, negated=True),
    }


OPERATORS = _operators()
