"""A run in one JSON object, for a table of several systems: what was judged, the floor, the model, what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import report
import results

FLOOR = "floor: ridge on 38 numbers"
SERVED = {"fp32": "calibrated ensemble", "int8": "calibrated ensemble, int8"}


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """Accuracy on the test part, as RESULTS.md has it; the model is the ensemble in the precision that is served."""
    of = found["models"][FLOOR]["of"]
    name = SERVED[found["settings"]["precision"]]
    return {
        "dataset": f"{of:,} pictures, {found['data']}",
        "measure": "accuracy",
        "floor": figure("ridge on 38 numbers", found["models"][FLOOR]),
        "model": figure(name, found["models"][name]),
        "better": "higher",
        "verdict": f"approved, {report.verdict(found['gain'], 'the floor')}",
        "endpoint": None if found["deleted"] else found["name"],
        "dollars": report.dollars(found),
    }


def figure(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    low, high = facts["interval"]
    return {"name": name, "value": round(facts["accuracy"], 4), "low": round(low, 4), "high": round(high, 4)}


def write(found: dict[str, Any], file: Path) -> None:
    """Whole or not at all."""
    results.whole(file, json.dumps(summary(found), indent=1) + "\n")
