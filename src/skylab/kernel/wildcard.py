"""Patterns with * and ?, matched in time proportional to pattern times text: regular expressions may take for ever."""

from collections.abc import Sequence


def like(pattern: Sequence[str], text: str, single: str = "?", many: str = "*") -> bool:
    """many stands for any text, single for any one character (an empty single for none).

    A pattern may be a list whose elements are characters and these two signs: signs of more than one character let a
    pattern have * and ? as themselves.
    """
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
