"""Masking: personal data out of a text before anything else sees it.

    "I am Ana Ruiz, call 555-123-4567"  ->  "I am <PERSON>, call <CONTACT>"

    python masking/mask.py --text "I am Ana Ruiz, call 555-123-4567"

The masker learns in seconds from invented texts and is kept in work/, under a name that says by what it was made: other
code, another seed or another Faker learns anew. What was masked cannot be brought back.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import zlib
from pathlib import Path

import faker
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "data")]
import parts  # noqa: E402
import people  # noqa: E402
from engine import analyzer  # noqa: E402
from letters import Span, lessons  # noqa: E402
from tagger import TAGS, Lists, Tagger, learn  # noqa: E402

SEED = 1974
LESSONS = 4000
CODE = ("masking/mask.py", "masking/tagger.py", "data/letters.py", "data/people.py")  # what decides what is learnt
LEAN = 4.0  # towards masking; measured on invented texts by judge.py, where F2 is flat from 2 to 8
KINDS = ("first", "last", "city", "country", "job")
PLACEHOLDER = {
    **{each: each for each in ("PERSON", "ADDRESS", "LOCATION", "ORGANIZATION", "DATE_TIME", "TITLE")},
    **dict.fromkeys(("CREDIT_CARD", "US_SSN", "IBAN_CODE", "US_DRIVER_LICENSE"), "NUMBER"),
    **dict.fromkeys(("PHONE_NUMBER", "EMAIL_ADDRESS", "URL", "IP_ADDRESS"), "CONTACT"),
}


class Masker:
    """Finds and masks; built once, some milliseconds a text."""

    def __init__(self, tagger: Tagger, lean: float = LEAN) -> None:
        self.analyzer = analyzer(tagger, lean)

    def spans(self, text: str) -> list[Span]:
        """Personal data from left to right, without overlaps: the longer one wins, then the surer.

        Of one that loses, what the winners leave uncovered is kept: masking too much is the smaller harm.
        """
        found = self.analyzer.analyze(text=text, language="en")
        taken: list[Span] = []
        for each in sorted(found, key=lambda one: (one.start - one.end, -one.score)):
            taken += [Span(*place, each.entity_type) for place in uncovered(text, each.start, each.end, taken)]
        return sorted(taken)

    def mask(self, text: str) -> str:
        """The text with a placeholder for each fact; neighbours of one kind become one."""
        masked, last = "", 0
        for span in self.spans(text):
            masked += text[last : span.start] + f"<{PLACEHOLDER[span.entity]}>"
            last = span.end
        return re.sub(r"(<[A-Z_]+>)(?:[\s,]*\1)+", r"\1", masked + text[last:])


def uncovered(text: str, start: int, end: int, taken: list[Span]) -> list[tuple[int, int]]:
    """The parts of a place that no span covers; of a place that is cut, those with a word, from word to word."""
    free = [(start, end)]
    for span in taken:
        cut = [pair for a, b in free for pair in ((a, min(b, span.start)), (max(a, span.end), b))]
        free = [(a, b) for a, b in cut if a < b]
    if free == [(start, end)]:
        return free
    words = [(a, re.search(r"\w(?:.*\w)?", text[a:b], re.DOTALL)) for a, b in free]
    return [(a + word.start(), a + word.end()) for a, word in words if word]


def lists(sides: tuple[str, ...]) -> Lists:
    return Lists.of({kind: people.on(kind, sides) for kind in KINDS})


def learnt(folder: Path | None = None, seed: int = SEED, count: int = LESSONS) -> Tagger:
    """A tagger of invented texts; read from the folder when it is there.

    Names of the side `new` are in none of its texts, and names of `seen` in none of the lists it learns with; it
    works with the lists of both.
    """
    standing, path = lists(("known", "seen")), folder and folder / f"masker-{mark(seed, count)}.npz"
    if path and path.exists():
        with np.load(path) as kept:
            return Tagger(standing, dict(zip(kept["names"].tolist(), kept["weights"], strict=True)))
    made = learn(lessons(count, seed, ("known", "seen")), lists(("known",)), seed)  # type: ignore[arg-type]
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        weights, whole = np.array(list(made.weights.values()), dtype=np.float32), io.BytesIO()
        np.savez_compressed(whole, names=np.array(list(made.weights)), weights=weights)
        parts.replaced(path, whole.getvalue())
    return Tagger(standing, made.weights)


def mark(seed: int, count: int) -> str:
    """The checksum of all that decides what is learnt."""
    code = b"".join((HERE.parent / name).read_bytes() for name in CODE)
    return f"{zlib.crc32(code + f'{seed} {count} {faker.VERSION}'.encode()):08x}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", required=True)
    parser.add_argument("--keep", type=Path, default=HERE.parent / "work", help="the folder that keeps the masker")
    args = parser.parse_args()
    print(Masker(learnt(args.keep)).mask(args.text))


assert set(TAGS[1:]) <= set(PLACEHOLDER)

if __name__ == "__main__":
    main()
