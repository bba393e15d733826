"""From raw sources to what models read: ingest, split by time, clean what lies before the split, report.

python steps/prepare.py --raw FOLDER --out FOLDER

train/<group>.parquet   series, t, y: regular, without gaps
train/groups.json       season, horizon, origins of each group
test/<group>.parquet    series, t, step, y: the last horizon as it came (the later of two duplicates), for judging
                        alone; step counts from the split, 0 is the first period after it
report/cleaning.json    what was found and treated, by group and by series
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from clean import clean, summary
from ingest import ingest

CYCLES = {"weekly": 52}  # periods of a cycle that is longer than the season that the protocol measures by
# season, horizon (M4's and M3's), rolling origins of the cross-validation, periods between two of them
FREQUENCIES = {
    "yearly": (1, 6, 2, 1),
    "quarterly": (4, 8, 2, 2),
    "monthly": (12, 18, 1, 1),
    "weekly": (1, 13, 2, 13),
    "daily": (7, 14, 1, 1),
}
COMPETITIONS = ("m1", "m3", "m4")  # judged by published protocols: their values are left as they are


def split(table: pd.DataFrame, horizon: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """What lies before the last horizon of each series, that horizon with its steps, and the last t before it."""
    if (table["split"] != "").all():
        ends = table[table["split"] != "test"].groupby("series")["t"].max()
    else:
        ends = table.groupby("series")["t"].max() - horizon
    step = table["t"] - table["series"].map(ends) - 1
    after = table[(step >= 0) & (step < horizon)].assign(step=step).astype({"step": "int64"})
    return table[step < 0], after, {str(series): int(t) for series, t in ends.items()}


def prepare(raw: Path, out: Path) -> dict[str, Any]:
    """Write everything; return the report's summaries."""
    for part in ("train", "test", "report"):
        (out / part).mkdir(parents=True, exist_ok=True)
    groups, report = {}, {}
    for group, table in ingest(raw):
        source, _, frequency = group.rpartition("-")
        season, horizon, origins, step = FREQUENCIES[frequency]
        before, after, ends = split(table, horizon)
        regular, found = clean(before, season, source not in COMPETITIONS, ends)
        after = after.dropna(subset=["y"]).drop_duplicates(["series", "t"], keep="last")
        regular.to_parquet(out / "train" / f"{group}.parquet", index=False)
        after[["series", "t", "step", "y"]].to_parquet(out / "test" / f"{group}.parquet", index=False)
        cycle = CYCLES.get(frequency, season)
        groups[group] = {"season": season, "cycle": cycle, "horizon": horizon, "origins": origins, "step": step}
        details = [asdict(each) for each in found if each.outliers or each.gaps or each.duplicates or each.corrections]
        first, length = int(regular["t"].min()), int(regular["t"].max() - regular["t"].min() + 1)
        report[group] = {
            "first": first,
            "length": length,
            "summary": summary(found),
            "treated": source not in COMPETITIONS,
            "series": details,
        }
        print(f"{group}: {report[group]['summary']}")
    (out / "train" / "groups.json").write_text(json.dumps(groups, indent=1))
    (out / "report" / "cleaning.json").write_text(json.dumps(report))
    return {group: facts["summary"] for group, facts in report.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raw", type=Path, default=Path("/opt/ml/processing/input/raw"))
    parser.add_argument("--out", type=Path, default=Path("/opt/ml/processing/output"))
    args = parser.parse_args()
    prepare(args.raw, args.out)
