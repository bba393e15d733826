"""Lists of texts with wildcards, sorted once by how they are asked: most are literal, or literal but for a last *."""

from collections.abc import Iterable
from dataclasses import dataclass

from skylab.kernel.wildcard import like


@dataclass(frozen=True, slots=True)
class Patterns:
    all: bool
    exact: frozenset[str]
    prefixes: tuple[str, ...]
    others: tuple[str, ...]

    def match(self, text: str) -> bool:
        return (
            self.all
            or text in self.exact
            or text.startswith(self.prefixes)
            or any(like(pattern, text) for pattern in self.others)
        )


def patterns(texts: Iterable[str]) -> Patterns:
    exact, prefixes, others = set(), set(), set()
    for text in texts:
        if not wild(text):
            exact.add(text)
        elif text.endswith("*") and not wild(text[:-1]):
            prefixes.add(text[:-1])
        else:
            others.add(text)
    return Patterns("" in prefixes, frozenset(exact), tuple(sorted(prefixes)), tuple(sorted(others)))


def wild(text: str) -> bool:
    return "*" in text or "?" in text
