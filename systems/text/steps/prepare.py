"""Make the texts, mask them, and write the channels: what follows sees texts with what masking finds replaced.

    python steps/prepare.py --out work/aws                       # AWS support texts from botocore
    python steps/prepare.py --out work/banking --data FOLDER     # Banking77

OUT/train/train.jsonl  OUT/validation/validation.jsonl  OUT/test/test.jsonl  masked texts with labels

The unmasked texts are never written. What masking finds in them is measured on the way, where spans are known.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / part) for part in ("", "data", "masking")]
import judge  # noqa: E402
import parts as shared  # noqa: E402
import simulate  # noqa: E402
import tables  # noqa: E402
from letters import Span  # noqa: E402
from mask import Masker, learnt  # noqa: E402

SEED = simulate.SEED
SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}
LEAST = 6  # of a class, so that every part has some
Row = dict[str, Any]


def many(told: str) -> int:
    """How many of a class, as an argument."""
    if not told.isdigit() or int(told) < LEAST:
        raise argparse.ArgumentTypeError(f"{told} is no number of {LEAST} or more: every part needs some of each class")
    return int(told)


def texts(data: Path | None, most: int | None, seed: int = SEED) -> list[Row]:
    """Banking77 in that folder, all of it unless `most` says how many a class; or support texts about AWS."""
    return bank(data, most) if data else simulate.simulate(seed, most or simulate.MOST)


def bank(folder: Path, most: int | None) -> list[Row]:
    """Banking77, every question in one part; those alike but for signs and capitals count as one.

    most: questions a class, at most.
    """
    found = {tables.letters(text): (text, label) for text, label in zip(*tables.banking(folder), strict=True)}
    draw, classes = np.random.default_rng(SEED), defaultdict(list)
    for text, label in found.values():
        classes[label].append(text)
    rows = []
    for label, texts in sorted(classes.items()):
        kept = [texts[number] for number in draw.permutation(len(texts))[:most]]
        ends = (np.cumsum(list(SHARES.values())) * len(kept)).round().astype(int)
        for part, chosen in zip(SHARES, np.split(np.arange(len(kept)), ends[:-1]), strict=True):
            rows += [{"text": kept[number], "label": label, "part": part, "spans": []} for number in chosen]
    if missing := set(SHARES) - {row["part"] for row in rows}:
        shared.refuse(
            f"{folder / tables.BANKING} has too few texts of each class: none are left for {sorted(missing)}."
        )
    return rows


def prepare(rows: list[Row], masker: Masker, out: Path) -> dict[str, Any]:
    """Mask and write; return texts a part, classes, what was masked, and a sample of test texts, masked."""
    parts: dict[str, list[Row]] = defaultdict(list)
    changed = 0
    for row in rows:
        masked = masker.mask(row["text"])
        changed += masked != row["text"]
        parts[row["part"]].append({"text": masked, "label": row["label"]})
    for part, found in parts.items():
        (out / part).mkdir(parents=True, exist_ok=True)
        shared.replaced(out / part / f"{part}.jsonl", "".join(json.dumps(each) + "\n" for each in found))
    facts: dict[str, Any] = {part: len(found) for part, found in parts.items()}
    facts["classes"] = len({row["label"] for row in rows} - {simulate.OTHER})
    facts["masked"] = changed
    told = [(row["text"], [Span(*each) for each in row["spans"]]) for row in rows if row["part"] == "test"]
    if any(spans for _, spans in told):
        facts["masking"] = judge.judge(masker, told)
    shared.replaced(out / "facts.json", json.dumps(facts, indent=1, allow_nan=False))
    return facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE.parent / "work" / "aws")
    parser.add_argument("--data", type=Path, help="a folder with Banking77; without it AWS support texts")
    parser.add_argument("--most", type=many, help="operations, or questions, a class; default: 70, or all of --data")
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    rows = texts(args.data, args.most, args.seed)
    print(json.dumps(prepare(rows, Masker(learnt(HERE.parent / "work")), args.out), indent=1))


if __name__ == "__main__":
    main()
