"""Where a run's figures are kept: a part of RESULTS.md, and one JSON object for the table of all systems.

Each part belongs to one data set. A run rewrites its own and leaves the others as they stand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import baselines
import evaluate
import report

SIMULATED = "The default run: simulated transactions"
HANDBOOK = "The handbook's own transactions"
NAB = "The random cut forest on the Numenta Anomaly Benchmark"
SEARCH = "The search: hyperparameters and imbalance, on validation weeks"
ORDER = (SIMULATED, HANDBOOK, NAB, SEARCH)
OPENING = "# Results\n\nEach part was written by the command that it names, and by nothing else."
SERVED = "ensemble, compressed"  # what the summary speaks of: the model that the endpoint serves
FLOORS = (baselines.FLOOR, baselines.STRAIGHT)  # the summary shows the stronger
MEASURE = 1  # average precision, among evaluate.METRICS


def parts(path: Path) -> dict[str, str]:
    """Head -> body of what a file says so far."""
    found = path.read_text().split("\n## ")[1:] if path.exists() else []
    return {head: body.strip() for head, _, body in (one.partition("\n") for one in found)}


def write(path: Path, head: str, body: str) -> None:
    """Replace one part, whole or not at all."""
    kept = parts(path) | {head: body.strip()}
    said = [OPENING, *(f"## {name}\n\n{kept[name]}" for name in ORDER if name in kept)]
    whole(path, "\n\n".join(said) + "\n")


def whole(path: Path, text: str) -> None:
    """Write a file beside its place, then put it there."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text)
    beside.replace(path)


def summary(found: dict[str, Any], endpoint: str | None) -> dict[str, Any]:
    """What the table of all systems says of a run; the figures are RESULTS.md's. A run that got here was approved."""
    judged = report.averages(found)
    floor = max(FLOORS, key=lambda name: judged[name].values[MEASURE])
    _, low, high = evaluate.difference(judged, SERVED, floor)[MEASURE]
    said = "better than the floor beyond noise" if low > 0 else "within noise of the floor"
    return {
        "dataset": "the handbook's transactions" if found["data"] else "simulated transactions",
        "measure": evaluate.METRICS[MEASURE],
        "floor": figure(judged, floor),
        "model": figure(judged, SERVED),
        "better": "higher",
        "verdict": f"approved, {'worse than the floor beyond noise' if high < 0 else said}",
        "endpoint": endpoint,
        "dollars": report.dollars(found),
    }


def figure(judged: dict[str, evaluate.Judged], name: str) -> dict[str, Any]:
    low, high = evaluate.interval(judged[name].drawn[:, MEASURE])
    value = float(judged[name].values[MEASURE])
    return {"name": name, "value": round(value, 3), "low": round(low, 3), "high": round(high, 3)}


def write_summary(path: Path, found: dict[str, Any], endpoint: str | None) -> None:
    whole(path, json.dumps(summary(found, endpoint), indent=1) + "\n")
