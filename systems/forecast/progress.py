"""A run: where its things lie, and what it says while it goes on."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cloud
import ingest
import report
from rich.console import Console

HERE = Path(__file__).resolve().parent
SERIES, SEED = 3000, 7  # of the simulation, unless other ones are asked for
COMPETITIONS = ["m1", "m3_yearly_quarterly", "m4_weekly"]
console = Console(highlight=False)


class Step:
    """One line of progress: what is being done, then what came out and how long it took."""

    def __init__(self, name: str) -> None:
        self.name, self.said = name, ""

    def __enter__(self) -> Step:
        self.begun = time.monotonic()
        self.status = console.status(self.name)
        self.status.__enter__()
        return self

    def update(self, text: str) -> None:
        self.status.update(f"{self.name}: {text}")

    def say(self, text: str) -> None:
        self.said = text

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.status.__exit__(kind, error, trace)
        mark = "[green]done[/]" if kind is None else "[red]failed[/]"
        console.print(f"{mark} {self.name:16} {time.monotonic() - self.begun:6.1f} s  {self.said}")


def dataset(args: argparse.Namespace) -> str:
    """What the run is of: a part of RESULTS.md and a plot of its own, that no other data's run replaces."""
    if args.data:
        found = [path.stem for path in ingest.known(args.data)]
        return "competitions" if found == COMPETITIONS else "-".join(found)
    size = f"-{args.series}-series-seed-{args.seed}" if (args.series, args.seed) != (SERIES, SEED) else ""
    return f"simulated{size}{'-tuned' if args.tune else ''}"


class Run:
    """Where one run's things lie: in S3 under `prefix`, here under `work`."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.begun = args, time.monotonic()
        self.acc: cloud.Account | None = None
        self.commit = report.commit(HERE)  # as it was at the start: a run takes minutes
        self.stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        self.dataset = dataset(args)
        self.work: Path = args.work / self.stamp
        self.prefix = f"forecast/{self.dataset}/{self.stamp}"

    def name(self, what: str) -> str:
        return f"forecast-{what}-{self.stamp}"

    def s3(self, acc: cloud.Account, where: str) -> str:
        return f"s3://{acc.bucket}/{self.prefix}/{where}"
