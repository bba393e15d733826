"""Split by people, encode, and write what the training jobs read: label first, no header.

OUT/train/train.csv  OUT/validation/validation.csv  OUT/test/test.csv  (60, 20 and 20 % of the people)
OUT/test/people.csv  the person of each test row, for confidence intervals
OUT/schema.json      the encoding, learnt from the training people
OUT/sample.json      one raw row of a test person, to ask the endpoint about
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "model")]
import features  # noqa: E402
from tables import DATASETS, load  # noqa: E402

SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
SEED = 1974  # the year in which the experiment enrolled its first families


def split(person: pd.Series, seed: int) -> dict[str, np.ndarray]:
    """Deal the people, not the rows, into the three splits; return each split's rows as a mask."""
    ids = np.random.default_rng(seed).permutation(person.unique())
    ends = (np.cumsum(list(SHARES.values())) * len(ids)).round().astype(int)
    dealt = dict(zip(SHARES, np.split(ids, ends[:-1]), strict=True))
    masks = {name: person.isin(chosen).to_numpy() for name, chosen in dealt.items()}
    if person.groupby(person).size().sum() != sum(mask.sum() for mask in masks.values()):
        raise AssertionError("a row is in no split or in two")
    for name, mask in masks.items():
        if set(person[mask]) & set(person[~mask]):
            raise AssertionError(f"a person of {name} is in another split too")
    return masks


def prepare(name: str, folder: Path, out: Path, seed: int = SEED) -> dict[str, dict[str, float]]:
    """Write everything under `out`; return rows, people and share of positives per split."""
    covariates, label, person = load(name, folder)
    masks = split(person, seed)
    schema = features.fit(covariates[masks["train"]])
    facts = {}
    for part, mask in masks.items():
        (out / part).mkdir(parents=True, exist_ok=True)
        table = np.column_stack([label[mask], features.encode(covariates[mask], schema)])
        np.savetxt(out / part / f"{part}.csv", table, fmt="%.10g", delimiter=",")
        facts[part] = {
            "rows": int(mask.sum()),
            "people": int(person[mask].nunique()),
            "positive": float(label[mask].mean()),
        }
    np.savetxt(out / "test" / "people.csv", person[masks["test"]], fmt="%d")
    (out / "schema.json").write_text(json.dumps(schema, indent=1))
    sample = covariates[masks["test"]].iloc[0].to_dict()
    (out / "sample.json").write_text(json.dumps(sample, default=float, indent=1))
    (out / "facts.json").write_text(json.dumps(facts, indent=1))
    return facts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=DATASETS, default="randhie")
    parser.add_argument("--data", type=Path, default=HERE.parent / "data", help="the folder of the raw files")
    parser.add_argument("--out", type=Path, default=HERE.parent / "work" / "randhie")
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    for part, fact in prepare(args.dataset, args.data, args.out, args.seed).items():
        print(f"{part:10} {fact['rows']:6} rows {fact['people']:6} people {fact['positive']:6.1%} positive")
