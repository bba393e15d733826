"""The models' patterns are Java's; here they become Python's.

Two things differ that the models use: \\d, \\w and \\s are ASCII in Java, and characters beyond the first plane are
written as surrogate pairs. \\p{L} and its kind are why this is the regex library and not re.
"""

from functools import cache

import regex

SECONDS = 0.2  # a pattern that has not decided by then is one that a caller chose his text against
_ASTRAL = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
_ASCII = {"d": "0-9", "w": "A-Za-z0-9_", "s": r"\ \t\n\x0B\f\r"}


def translated(pattern: str) -> str:
    """A Java pattern in the regex library's words."""
    pattern = pattern.replace(*_ASTRAL)
    out, at, inside = [], 0, False
    while at < len(pattern):
        step, text = 1, pattern[at]
        if text == "\\":
            step, text = 2, pattern[at : at + 2]
            if (ascii := _ASCII.get(text[1:])) is not None:
                text = ascii if inside else f"[{ascii}]"
                if inside and pattern[at + 2 : at + 3] == "-":  # [\w-_]: no range can start at a class
                    step, text = 3, text + r"\-"
        elif text == "[" and inside:
            text = r"\["
        elif text == "[":
            inside = True
            if pattern[at + 1 : at + 2] == "]":
                step, text = 2, r"[\]"
        elif text == "]":
            inside = False
        out.append(text)
        at += step
    return "".join(out)


@cache
def compiled(pattern: str) -> "regex.Pattern[str] | None":
    """None for a pattern that no translation saves: it is not checked. The tests list them."""
    try:
        return regex.compile(translated(pattern))
    except regex.error:
        return None


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of text matches, as Java's Pattern.matches; False if that takes too long to say."""
    compiled_pattern = compiled(pattern)
    if compiled_pattern is None:
        return True
    try:
        return compiled_pattern.fullmatch(text, timeout=SECONDS) is not None
    except TimeoutError:
        return False
