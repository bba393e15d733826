"""Cut a raw table into files that instances can share out: whole people in each, with their number, their label
and the splits of a published protocol that test them in front.

python data/shards.py --out work/randhie/raw
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "steps")]
from protocols import tested  # noqa: E402
from tables import DATASETS, load  # noqa: E402

SHARDS = 8


def shards(name: str, folder: Path, out: Path) -> list[Path]:
    """Write the files, raw columns as they are; return their paths."""
    covariates, label, person = load(name, folder)
    table = covariates.copy()
    table.insert(0, "_tested", tested(name, label))
    table.insert(0, "_label", label)
    table.insert(0, "_person", person)
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for number, ids in enumerate(np.array_split(person.unique(), SHARDS)):
        files.append(out / f"part-{number:03}.csv")
        table[person.isin(ids)].to_csv(files[-1], index=False, lineterminator="\n")
    return files


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=DATASETS, default="randhie")
    parser.add_argument("--data", type=Path, default=HERE, help="the folder of the raw files")
    parser.add_argument("--out", type=Path, default=HERE.parent / "work" / "randhie" / "raw")
    args = parser.parse_args()
    for path in shards(args.dataset, args.data, args.out):
        print(path)
