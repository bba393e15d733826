"""Whether a run can be done at all, before anything is uploaded or started; ValueError with a sentence if not."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from ingest import READERS, ingest, known
from panel import JUDGED, drawn, shortest
from prepare import FREQUENCIES, split


def arguments(args: argparse.Namespace) -> None:
    if args.series < 3:
        raise ValueError("--series must be at least 3, one for each of the simulated sources")
    if args.prophet < 0:
        raise ValueError("--prophet must be 0 or more")
    if args.summary and not args.summary.absolute().parent.is_dir():
        raise ValueError(f"--summary: there is no folder {args.summary.absolute().parent}")
    if args.data:
        if not known(args.data):
            raise ValueError(f"{args.data} has none of {', '.join(READERS)}")
        data(args.data)


def data(folder: Path) -> None:
    """Every file can be read, and every group has a test part and a series long enough to be judged before it."""
    for name, table in ingest(folder):
        frequency = name.rpartition("-")[2]
        if frequency not in FREQUENCIES:
            raise ValueError(f"{name}: {frequency} is none of {', '.join(FREQUENCIES)}")
        group(name, table, *FREQUENCIES[frequency][:2])


def group(name: str, table: pd.DataFrame, season: int, horizon: int) -> None:
    before, after, ends = split(table, horizon)
    first = before[np.isfinite(before["y"])].groupby("series")["t"].min()
    if not len(first):
        raise ValueError(f"{name}: no series is longer than {horizon} periods, which are its test part")
    if not np.isfinite(after["y"]).any():
        raise ValueError(f"{name}: there is no value in the test part, the last {horizon} periods")
    lengths = {str(series): ends[str(series)] - int(t) + 1 for series, t in first.items()}
    longest = max(drawn(list(lengths), JUDGED), key=lambda series: lengths[series])
    least = horizon + shortest(season)
    if lengths[longest] < least:
        raise ValueError(
            f"{name}: a series needs {least + horizon} periods, {horizon} of them its test part, for the models to be "
            f"chosen before it; {longest}, the longest of those drawn, has {lengths[longest] + horizon}"
        )
