"""Patterns with * and ?, matched in time proportional to text times the longest part between two *.

Each part is looked for once, from where the one before ended: what a * stands for is never tried anew.
"""

import re
from collections.abc import Sequence


def like(pattern: Sequence[str], text: str, single: str = "?", many: str = "*") -> bool:
    """many stands for any text, single for any one character (an empty single for none).

    A pattern may be a list whose elements are characters and these two signs: signs of more than one character let a
    pattern have * and ? as themselves.
    """
    parts = pattern.split(many) if isinstance(pattern, str) else _split(pattern, many)
    first, last = parts[0], parts[-1]
    at, end = len(first), len(text) - len(last)
    if len(parts) == 1:
        return at == len(text) and _find(first, text, 0, at, single) == 0
    if at > end or _find(first, text, 0, at, single) or _find(last, text, end, len(text), single) < 0:
        return False
    for part in parts[1:-1]:
        if (found := _find(part, text, at, end, single)) < 0:
            return False
        at = found + len(part)
    return True


def _split(pattern: Sequence[str], many: str) -> list[Sequence[str]]:
    parts: list[list[str]] = [[]]
    for sign in pattern:
        if sign == many:
            parts.append([])
        else:
            parts[-1].append(sign)
    return [*parts]


def _find(part: Sequence[str], text: str, at: int, end: int, single: str) -> int:
    """Where the first text like part begins, between at and end; -1 if none does."""
    if not single or single not in part:
        return text.find(part if isinstance(part, str) else "".join(part), at, end)
    # An expression without repetition: nothing in it can be tried twice at one place.
    expression = "".join("." if sign == single else re.escape(sign) for sign in part)
    found = re.compile(expression, re.DOTALL).search(text, at, end)
    return found.start() if found else -1
