"""A run in one JSON object, for a table of several systems: what was judged, the floor, the model, what came of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import report


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """OWA over all series, as RESULTS.md has it; the floor is the seasonal naive forecast."""
    pooled, simulated = found["pooled"], found["dataset"].startswith("simulated")
    high = pooled["difference_floor"]["interval"][1]
    return {
        "dataset": f"{pooled['series']:,} series, {'simulated' if simulated else found['dataset']}",
        "measure": "OWA",
        "floor": figure("seasonal naive", pooled["models"]["snaive"]["owa"]),
        "model": figure("ensemble", pooled["models"]["ensemble"]["owa"]),
        "better": "lower",
        "verdict": "approved, better than the floor " + ("beyond noise" if high < 0 else "within noise"),
        "endpoint": None if found["deleted"] else found["endpoint"],
        "dollars": report.dollars(found),
    }


def figure(name: str, fact: dict[str, Any]) -> dict[str, Any]:
    low, high = fact["interval"]
    return {"name": name, "value": round(fact["value"], 3), "low": round(low, 3), "high": round(high, 3)}


def write(found: dict[str, Any], path: Path) -> None:
    """Whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(summary(found), indent=1) + "\n")
    beside.replace(path)
