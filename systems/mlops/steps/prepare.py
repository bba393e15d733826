"""Deal the people, learn the encoding together, write what the jobs read: on any number of instances, each its shards.

    python steps/prepare.py --raw work/randhie/raw --out work/randhie

OUT/train/ OUT/validation/   <host>.csv, label first, no header
OUT/learn/                   the same of those whom the models are trained on: train; with --split train and validation
OUT/test/                    <host>.csv, person first, then label: people whom only Evaluate looks at
OUT/live/                    <host>.csv, the same of people who come later: the traffic of the deployment
OUT/facts/                   <host>.json, rows and people of each part; of the first host schema.json, the encoding, and
                             sample.json, one raw row of a live person, to ask the endpoint about

A person's part follows from the person's place between 0 and 1, which shards.py writes beside each row: a hash, or the
order of time. So it is the same on any number of instances. With --split a published protocol deals instead (see
protocols.py): what its split tests is test; of the rest a sixth is validation.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "model")]
import features  # noqa: E402
from meet import agree, hosts  # noqa: E402

SHARES = {"train": 0.55, "validation": 0.15, "test": 0.2, "live": 0.1}
OWN = "own"  # the parts of this system, not a published protocol's
HELD = 1 / 6  # of what a protocol's split does not test: to tune on
LEARNING = ("train", "validation", "learn")  # these parts leave out whose rows they are
JOB = Path("/opt/ml/processing")


def split(place: pd.Series, train_share: float = 1.0) -> dict[str, np.ndarray]:
    """The rows of each part as a mask. train_share: how much of the training people to learn from."""
    places = place.to_numpy()
    ends = dict(zip(SHARES, np.cumsum(list(SHARES.values())), strict=True))
    begins = {name: ends[name] - SHARES[name] for name in SHARES}
    ends["train"] *= train_share
    ends["live"] = 1.0 + 1e-9  # whatever the sum of floats is
    return {name: (begins[name] <= places) & (places < ends[name]) for name in SHARES}


def repeat(place: pd.Series, tested: pd.Series, number: str) -> dict[str, np.ndarray]:
    """The rows of each part where a published protocol's split says what is tested."""
    test = tested.str.contains(f"|{number}|", regex=False).to_numpy()
    if not test.any():
        raise SystemExit(f"no row is tested by split {number}")
    held = place.to_numpy() < HELD
    return {"train": ~test & ~held, "validation": ~test & held, "test": test, "live": np.zeros(len(test), dtype=bool)}


def prepare(raw: Path, out: Path, train_share: float = 1.0, number: str = OWN) -> dict[str, dict[str, int]]:
    """Write this host's part of everything under `out`; return its rows, people and positives by part."""
    me, everyone = hosts()
    table = pd.concat([pd.read_csv(path) for path in sorted(raw.glob("*.csv"))], ignore_index=True)
    person, place, label, tested = (table.pop(name) for name in ("_person", "_place", "_label", "_tested"))
    own = number == OWN
    masks = split(place, train_share) if own else repeat(place, tested, number)
    masks["learn"] = masks["train"] if own else masks["train"] | masks["validation"]
    schema = agree(me, everyone, features.summarise(table[masks["learn"]]), features.merge)
    facts = {}
    for part, mask in masks.items():
        columns = [label[mask], features.encode(table[mask], schema)]
        write(out / part / f"{me}.csv", columns if part in LEARNING else [person[mask], *columns])
        positive = int(label[mask].sum())
        facts[part] = {"rows": int(mask.sum()), "people": int(person[mask].nunique()), "positive": positive}
    tell(out / "facts" / f"{me}.json", facts)
    if me == everyone[0]:
        tell(out / "facts" / "schema.json", schema)
        tell(out / "facts" / "sample.json", table[masks["live" if own else "test"]].iloc[0].to_dict())
    return facts


def write(path: Path, columns: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, np.column_stack(columns), fmt="%.10g", delimiter=",")


def tell(path: Path, what: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(what, default=float, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    inside = (JOB / "input").exists()
    parser.add_argument(
        "--raw", type=Path, default=JOB / "input" / "raw" if inside else HERE.parent / "work/randhie/raw"
    )
    parser.add_argument("--out", type=Path, default=JOB / "output" if inside else HERE.parent / "work/randhie")
    parser.add_argument("--train-share", type=float, default=1.0)
    parser.add_argument("--split", default=OWN, help="the number of a published protocol's split")
    args = parser.parse_args()
    for part, fact in prepare(args.raw, args.out, args.train_share, args.split).items():
        print(f"{part:10} {fact['rows']:6} rows {fact['people']:6} people {fact['positive']:6} positive")
