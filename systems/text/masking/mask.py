"""Masking: personal data out of a text before anything else sees it.

    "I am Ana Ruiz, call 555-123-4567"  ->  "I am <PERSON>, call <CONTACT>"

    python masking/mask.py --text "I am Ana Ruiz, call 555-123-4567"

The masker learns in seconds from invented texts and is kept in work/masker.npz. What was masked cannot be brought back.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "data")]
import people  # noqa: E402
from engine import analyzer  # noqa: E402
from letters import Span, lessons  # noqa: E402
from tagger import TAGS, Lists, Tagger, learn  # noqa: E402

SEED = 1974
LESSONS = 4000
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
        """Personal data from left to right, without overlaps: the longer one wins, then the surer."""
        found = self.analyzer.analyze(text=text, language="en")
        taken: list[Span] = []
        for each in sorted(found, key=lambda one: (one.start - one.end, -one.score)):
            if each.end > each.start and all(each.end <= one.start or each.start >= one.end for one in taken):
                taken.append(Span(each.start, each.end, each.entity_type))
        return sorted(taken)

    def mask(self, text: str) -> str:
        """The text with a placeholder for each fact; neighbours of one kind become one."""
        masked, last = "", 0
        for span in self.spans(text):
            masked += text[last : span.start] + f"<{PLACEHOLDER[span.entity]}>"
            last = span.end
        return re.sub(r"(<[A-Z_]+>)(?:[\s,]*\1)+", r"\1", masked + text[last:])


def lists(sides: tuple[str, ...]) -> Lists:
    return Lists.of({kind: people.on(kind, sides) for kind in KINDS})


def learnt(keep: Path | None = None, seed: int = SEED, count: int = LESSONS, extra: list[str] | None = None) -> Tagger:
    """A tagger of invented texts; read from `keep` when it is there.

    Names of the side `new` are in none of its texts, and names of `seen` in none of the lists it learns with; it
    works with the lists of both. extra: texts without personal data to learn from as well.
    """
    standing = lists(("known", "seen"))
    if keep and keep.exists():
        with np.load(keep) as kept:
            return Tagger(standing, dict(zip(kept["names"].tolist(), kept["weights"], strict=True)))
    texts = lessons(count, seed, ("known", "seen")) + [(text, []) for text in extra or []]
    made = learn(texts, lists(("known",)), seed)  # type: ignore[arg-type]
    if keep:
        keep.parent.mkdir(parents=True, exist_ok=True)
        weights = np.array(list(made.weights.values()), dtype=np.float32)
        np.savez_compressed(keep, names=np.array(list(made.weights)), weights=weights)
    return Tagger(standing, made.weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", required=True)
    parser.add_argument("--keep", type=Path, default=HERE.parent / "work" / "masker.npz")
    args = parser.parse_args()
    print(Masker(learnt(args.keep)).mask(args.text))


assert set(TAGS[1:]) <= set(PLACEHOLDER)

if __name__ == "__main__":
    main()
