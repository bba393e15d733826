"""Patterns with * and ?, matched in time proportional to pattern times text: regular expressions may take for ever."""

from collections.abc import Sequence


def like(pattern: Sequence[str], text: str, single: str = "?", many: str = "*") -> bool:
    """many stands for any text, single for any one character (an empty single for none).

    A pattern may be a list whose elements are characters and these two signs: signs of more than one character let a
    pattern have * and ? as themselves.
    """
    if isinstance(pattern, str) and (not single or single not in pattern):
        return _in_order(pattern.split(many), text)
    at = begin = 0
    star, resume = -1, 0  # where the last * was, and how far its text reaches by now
    while begin < len(text):
        if at < len(pattern) and pattern[at] == many:
            star, resume = at, begin
            at += 1
        elif at < len(pattern) and pattern[at] in (text[begin], single):
            at, begin = at + 1, begin + 1
        elif star >= 0:
            resume += 1
            at, begin = star + 1, resume
        else:
            return False
    return all(sign == many for sign in pattern[at:])


def _in_order(parts: list[str], text: str) -> bool:
    """Whether text is the parts with any text between them; each is looked for from where the one before ended."""
    first, last = parts[0], parts[-1]
    at, end = len(first), len(text) - len(last)
    if len(parts) == 1:
        return first == text
    if at > end or not text.startswith(first) or not text.endswith(last):
        return False
    for part in parts[1:-1]:
        if (found := text.find(part, at, end)) < 0:
            return False
        at = found + len(part)
    return True
