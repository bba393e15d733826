"""Cut a raw table into files that instances can share out: whole people in each, with their number, their place
among all, their label and the splits of a published protocol that test them in front.

python data/shards.py --out work/randhie/raw
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "steps")]
from protocols import PROTOCOLS, tested  # noqa: E402
from tables import DATASETS, SEED, load  # noqa: E402

SHARDS = 8


def shards(name: str, folder: Path, out: Path, published: bool = False, seed: int = SEED) -> list[Path]:
    """Write the files, raw columns as they are; return their paths. published: for the protocol's splits."""
    covariates, label, person, place = load(name, folder, published, seed)
    front = {"_person": person, "_place": place, "_label": label}
    front["_tested"] = tested(name, label) if published else "|"
    table = pd.concat([pd.DataFrame(front), covariates], axis=1)
    out.mkdir(parents=True, exist_ok=True)
    files, people = [], person.unique()
    if DATASETS[name].ordered and not published:  # each file has rows of every time
        people = np.concatenate([people[number::SHARDS] for number in range(SHARDS)])
    for number, ids in enumerate(np.array_split(people, SHARDS)):
        files.append(out / f"part-{number:03}.csv")
        table[person.isin(ids)].to_csv(files[-1], index=False, lineterminator="\n")
    return files


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=DATASETS, default="randhie")
    parser.add_argument("--data", type=Path, default=HERE, help="the folder of the raw files")
    parser.add_argument("--out", type=Path, default=HERE.parent / "work" / "randhie" / "raw")
    parser.add_argument("--published", action="store_true", help="for the splits of a published protocol")
    parser.add_argument("--seed", type=int, default=SEED, help="of the people's places")
    args = parser.parse_args()
    if args.published and args.dataset not in PROTOCOLS:
        parser.error(f"--published: there is a protocol for {' and '.join(PROTOCOLS)} (--dataset)")
    for path in shards(args.dataset, args.data, args.out, args.published, args.seed):
        print(path)
