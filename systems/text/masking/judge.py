"""How well masking finds personal data: recall, precision and F2 over words, and recall by kind.

    python masking/judge.py                                  # invented texts about people it has never met
    python masking/judge.py --data FOLDER                    # also pii_presidio_generated_large.json.gz in it
    python masking/judge.py --data FOLDER --results          # and writes what it found into RESULTS.md

As presidio-research counts it: words, each personal or not, whatever the kind; F2 weighs recall four times as much as
precision. Signs and line breaks are not counted. Published there, for Presidio with a transformer: F2 0.845.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / part) for part in ("", "data", "model"))]
import parts  # noqa: E402
from intervals import LEVEL, edges, resamples  # noqa: E402
from letters import Span, lessons  # noqa: E402
from mask import SEED, Masker, learnt  # noqa: E402
from tagger import words  # noqa: E402

PUBLISHED = 0.845
FILE = "pii_presidio_generated_large.json.gz"
DRAWS = 500
Texts = list[tuple[str, list[Span]]]


def real(folder: Path) -> Texts:
    """The published set of sentences with spans; one sentence and the end where it is not that."""
    try:
        with gzip.open(folder / FILE, "rt") as file:
            told = json.load(file)
        return [
            (each["full_text"], [Span(s["start_position"], s["end_position"], s["entity_type"]) for s in each["spans"]])
            for each in told
        ]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        parts.refuse(f"{folder / FILE} is not presidio-research's set: {type(error).__name__}: {error}")


def inside(place: tuple[int, int], spans: list[Span]) -> str:
    """The kind of the span that a word begins or ends in, else ""."""
    return next((each.entity for each in spans if each.start < place[1] and place[0] < each.end), "")


def counts(masker: Masker, texts: Texts) -> tuple[np.ndarray, dict[str, Counter[str]]]:
    """(true positives, false positives, false negatives) a text, and found and missed words by kind."""
    table, kinds = [], {"found": Counter[str](), "missed": Counter[str]()}
    for text, spans in texts:
        found, row = masker.spans(text), [0, 0, 0]
        for place in words(text):
            if not text[place[0]].isalnum():
                continue
            right, said = inside(place, spans), inside(place, found)
            if right:
                row[0 if said else 2] += 1
                kinds["found" if said else "missed"][right] += 1
            elif said:
                row[1] += 1
        table.append(row)
    return np.array(table), kinds


def scores(total: np.ndarray) -> dict[str, float]:
    found, wrong, missed = (float(each) for each in total)
    return {
        "precision": found / max(found + wrong, 1),
        "recall": found / max(found + missed, 1),
        "f2": 5 * found / max(5 * found + 4 * missed + wrong, 1),
    }


def judge(masker: Masker, texts: Texts) -> dict[str, Any]:
    """Scores with bootstrap intervals over texts, recall by kind, milliseconds a text."""
    begun = time.perf_counter()
    table, kinds = counts(masker, texts)
    spent = (time.perf_counter() - begun) / len(texts) * 1000
    again = [scores(table[rows].sum(0)) for rows in resamples(len(table), DRAWS)]
    said = {
        name: {"value": value, "interval": edges([each[name] for each in again])}
        for name, value in scores(table.sum(0)).items()
    }
    both = kinds["found"] + kinds["missed"]
    recall = {kind: {"recall": kinds["found"][kind] / many, "words": many} for kind, many in both.most_common()}
    return {"texts": len(texts), "words": int(table[:, [0, 2]].sum()), "scores": said, "kinds": recall, "ms": spent}


def row(name: str, found: dict[str, Any]) -> str:
    """A row of a table: precision, recall and F2 of a set."""
    return (
        f"| {name} | " + " | ".join(parts.value(found["scores"][key]) for key in ("precision", "recall", "f2")) + " |"
    )


HEAD = ["| words of | precision | recall | F2 |", "|---|---|---|---|"]


def results(found: dict[str, dict[str, Any]]) -> list[str]:
    """The part of RESULTS.md: both sets, and recall by kind on the published one."""
    real, invented = found["published set"], found["invented"]
    kinds = (f"| {kind} | {each['recall']:.3f} | {each['words']:,} |" for kind, each in real["kinds"].items())
    return [
        f"Written by `python masking/judge.py --data FOLDER --results`: seed {SEED}, "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {parts.commit(HERE.parent)}.",
        f"Intervals: {LEVEL} %, {DRAWS} bootstrap resamples of the texts. Our forms were mended by what they missed in "
        "the first set (README.md): its row is of a development set.",
        "",
        *HEAD,
        row(f"presidio-research's {real['texts']:,} sentences", real),
        row(f"{invented['texts']} invented texts, people it never met", invented),
        "",
        f"Published for Presidio customised with a transformer, on another draw of the sentences: F2 {PUBLISHED}. "
        f"{real['ms']:.1f} ms a text.",
        "",
        "| words of the sentences | recall | words |",
        "|---|---|---|",
        *kinds,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help=f"the folder of {FILE}")
    parser.add_argument("--keep", type=Path, default=HERE.parent / "work", help="the folder that keeps the masker")
    parser.add_argument("--limit", type=int, help="the first so many texts of each set")
    parser.add_argument("--results", action="store_true", help="write the part of RESULTS.md")
    args = parser.parse_args()
    if args.data and not (args.data / FILE).exists():
        parser.error(f"{args.data / FILE} is missing: name the folder that has it with --data")
    if args.results and (not args.data or args.limit):
        parser.error("--results needs --data, and all of it: no --limit")
    masker = Masker(learnt(args.keep))
    sets = {"invented": lessons(500, SEED + 1, ("new",))} | ({"published set": real(args.data)} if args.data else {})
    judged = {}
    for name, texts in sets.items():
        judged[name] = found = judge(masker, texts[: args.limit])
        for metric, each in found["scores"].items():
            low, high = each["interval"]
            print(f"{name}: {metric:9} {each['value']:.4f} ({low:.4f} to {high:.4f})")
        print(f"{name}: {found['texts']} texts, {found['words']} personal words, {found['ms']:.1f} ms a text")
        for kind, each in found["kinds"].items():
            print(f"    {kind:18} recall {each['recall']:.3f} of {each['words']}")
    if args.results:
        parts.put(HERE.parent, "masking", results(judged))


if __name__ == "__main__":
    main()
