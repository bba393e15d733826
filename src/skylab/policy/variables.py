"""Policy variables: ${key} stands for the request's own value, ${key, 'text'} for text where there is none, and ${*},
${?} and ${$} for these signs themselves.

What a variable stands for is text: a * or ? in it is not a wildcard, or a caller could widen a policy by his own name.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skylab.kernel.wildcard import like

VARIABLE = re.compile(r"\$\{(?:([*?$])|([^{}',]+)(?:, *'([^'{}]*)')?)\}")
MANY, SINGLE = "any text", "any character"  # longer than a character, so that no value can be one

Context = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Variable:
    """key: in lower case; none for a sign that stands for itself."""

    key: str
    default: str | None
    written: str

    def value(self, context: Context) -> str | None:
        """None where it stands for nothing. A key of many values cannot be a variable, and an empty value is none."""
        values = context.get(self.key, ()) if self.key else ()
        if len(values) > 1:
            return None
        return (values[0] if values else "") or self.default


@dataclass(frozen=True, slots=True)
class Template:
    """A text with variables."""

    written: str
    pieces: tuple[str | Variable, ...]

    def text(self, context: Context) -> str | None:
        """None where a variable stands for nothing."""
        parts = [piece if isinstance(piece, str) else piece.value(context) for piece in self.pieces]
        return None if None in parts else "".join(part for part in parts if part is not None)

    def like(self, text: str, context: Context) -> bool:
        """* and ? that were written in the policy are wildcards."""
        pattern: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                pattern += [SIGNS.get(sign, sign) for sign in piece]
            elif (value := piece.value(context)) is None:
                return False
            else:
                pattern += value
        return like(pattern, text, single=SINGLE, many=MANY)

    @property
    def keys(self) -> list[str]:
        """As they are written."""
        return [piece.written for piece in self.pieces if isinstance(piece, Variable) and piece.key]


SIGNS = {"*": MANY, "?": SINGLE}


def template(text: str) -> Template | None:
    """None for a text without variables."""
    pieces: list[str | Variable] = []
    end = 0
    for found in VARIABLE.finditer(text):
        sign, key, default = found.groups()
        written = (key or "").strip()
        pieces += [text[end : found.start()], Variable(written.lower(), sign or default, written)]
        end = found.end()
    return Template(text, (*pieces, text[end:])) if pieces else None


def masked(text: str) -> str:
    """The text with its variables blotted out, at the same length: for finding the colons outside them."""
    return VARIABLE.sub(lambda found: "\0" * len(found[0]), text)
