"""Three sources as a company has them, each in its own form and with its own dirt, from one seed.

    python data/simulate.py --to FOLDER --series 3000 --seed 7

    shops.csv          daily sales: a row for each series, a column for each day
    meters.jsonl       monthly readings: a line for each, in the order of arrival, with time zones, some sent twice
    accounts.parquet   quarterly revenue: a row for each, corrections below what they correct
    truth.json         what was spoilt, and where: for judging the cleaning, never read by it

A series has a level, a trend that fades, a season and noise, all multiplied; some change their level once.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SOURCES = {"shops": ("daily", 7, 210), "meters": ("monthly", 12, 108), "accounts": ("quarterly", 4, 52)}
GAPS, DUPLICATES, CORRECTIONS, OUTLIERS = 0.01, 0.01, 0.005, 0.003  # shares of the observations
STARTS = {"shops": "2025-01-06", "meters": "2016-01", "accounts": "2011Q1"}
FREQUENCIES = {"shops": "D", "meters": "M", "accounts": "Q"}


def paths(rng: np.random.Generator, count: int, season: int, length: int) -> np.ndarray:
    """count series of that length, without dirt, one a row."""
    t = np.arange(length)
    level = np.exp(rng.normal(6, 1, (count, 1)))
    slope = rng.normal(0.3, 0.5, (count, 1)) / length
    fades = rng.uniform(0.98, 1.0, (count, 1))
    trend = np.cumsum(slope * fades**t, axis=1)
    strength = rng.uniform(0, 0.35, (count, 1)) * (rng.random((count, 1)) < 0.8)
    pattern = rng.normal(0, 1, (count, season))
    pattern -= pattern.mean(axis=1, keepdims=True)
    drift = np.cumsum(rng.normal(0, 1, (count, length)), axis=1) * rng.uniform(0.002, 0.02, (count, 1))
    shifted = rng.random((count, 1)) < 0.1
    shift = shifted * (t > rng.integers(length // 4, length - length // 4, (count, 1))) * rng.normal(0, 0.3, (count, 1))
    noise = rng.normal(0, 1, (count, length)) * rng.uniform(0.01, 0.08, (count, 1))
    return np.round(level * np.exp(trend + strength * pattern[:, t % season] + drift + shift + noise), 2)


def spoil(rng: np.random.Generator, values: np.ndarray) -> tuple[np.ndarray, dict[str, list[tuple[int, int]]]]:
    """Values with outliers and gaps (NaN), and where they are. A series' first and last value stay."""
    spoilt, inner = values.copy(), np.zeros(values.shape, dtype=bool)
    inner[:, 1:-1] = True
    out = inner & (rng.random(values.shape) < OUTLIERS)
    spoilt[out] *= np.where(rng.random(out.sum()) < 0.5, 0.1, rng.uniform(3, 10, out.sum()))
    gap = inner & ~out & (rng.random(values.shape) < GAPS)
    spoilt[gap] = np.nan
    places = {"outliers": np.argwhere(out), "gaps": np.argwhere(gap)}
    return spoilt, {kind: [(int(row), int(t)) for row, t in found] for kind, found in places.items()}


def records(rng: np.random.Generator, values: np.ndarray, source: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """One row an observation (series, period, y), with duplicates and corrections; both come later in the file."""
    row, t = np.nonzero(~np.isnan(values))
    periods = pd.period_range(STARTS[source], periods=values.shape[1], freq=FREQUENCIES[source])
    table = pd.DataFrame({"series": [f"{source}-{r:05d}" for r in row], "period": periods[t], "y": values[row, t]})
    again = table.sample(frac=DUPLICATES, random_state=int(rng.integers(2**31)))
    wrong = table.drop(again.index).sample(frac=CORRECTIONS, random_state=int(rng.integers(2**31)))
    table.loc[wrong.index, "y"] = (wrong.y * rng.uniform(0.5, 2, len(wrong))).round(2)
    return pd.concat([table, again, wrong]), {"duplicates": len(again), "corrections": len(wrong)}


def simulate(to: Path, series: int, seed: int) -> dict[str, Any]:
    """Write the sources and truth.json; return the truth."""
    rng, truth = np.random.default_rng(seed), {}
    to.mkdir(parents=True, exist_ok=True)
    for place, (source, (_, season, length)) in enumerate(SOURCES.items()):
        count = (series + place) // len(SOURCES)
        values, places = spoil(rng, paths(rng, count, season, length))
        truth[source] = {"series": count} | places
        if source == "shops":
            days = pd.period_range(STARTS[source], periods=length, freq="D").astype(str)
            wide = pd.DataFrame(values, columns=days)
            wide.insert(0, "shop", [f"{source}-{row:05d}" for row in range(count)])
            wide.to_csv(to / "shops.csv", index=False)
            continue
        table, counts = records(rng, values, source)
        truth[source] |= counts
        if source == "accounts":
            named = {"account": table.series, "quarter": table.period.astype(str), "revenue": table.y}
            pd.DataFrame(named).to_parquet(to / "accounts.parquet", index=False)
            continue
        with (to / "meters.jsonl").open("w") as lines:
            for name, period, y in zip(table.series, table.period, table.y, strict=True):
                at = f"{period}-{rng.integers(2, 28):02d}T{rng.integers(24):02d}:15:00+0{rng.integers(3)}:00"
                lines.write(json.dumps({"meter": name, "at": at, "kwh": y}) + "\n")
    (to / "truth.json").write_text(json.dumps(truth))
    return truth


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--series", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    print({source: facts["series"] for source, facts in simulate(args.to, args.series, args.seed).items()})
