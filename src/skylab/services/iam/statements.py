"""Where the statements of a policy stand in its text, for those who show them to a person."""

import json
import re

Span = tuple[dict[str, int], dict[str, int]]
_DECODER = json.JSONDecoder()
_WHITE = re.compile(r"[ \t\n\r]*")


def spans(text: str) -> list[Span]:
    """Start and end of each statement, as IAM's Position: lines and columns from 1. text: valid JSON, a policy."""
    start = _value_of(text, "Statement")
    if text[start] != "[":
        return [_span(text, start, _DECODER.raw_decode(text, start)[1])]
    found, at = [], _blank(text, start + 1)
    while text[at] != "]":
        end = _DECODER.raw_decode(text, at)[1]
        found.append(_span(text, at, end))
        at = _blank(text, end)
        at = _blank(text, at + 1) if text[at] == "," else at
    return found


def _value_of(text: str, member: str) -> int:
    """Where the value of a member of the outermost object begins."""
    at = _blank(text, _blank(text, 0) + 1)
    while True:
        name, at = _DECODER.raw_decode(text, at)
        at = _blank(text, _blank(text, at) + 1)
        if name == member:
            return at
        at = _blank(text, _blank(text, _DECODER.raw_decode(text, at)[1]) + 1)


def _blank(text: str, at: int) -> int:
    match = _WHITE.match(text, at)
    return match.end() if match else at


def _span(text: str, start: int, end: int) -> Span:
    return _position(text, start), _position(text, end)


def _position(text: str, at: int) -> dict[str, int]:
    return {"Line": text.count("\n", 0, at) + 1, "Column": at - text.rfind("\n", 0, at)}
