"""Serving: a history in, the ensemble's forecast with quantiles out; endpoint and batch transform alike.

A line of a request (application/jsonlines; one object as application/json):

    {"group": "m4-weekly", "y": [1089.2, …], "id": "W1"}

and of the answer: {"id": "W1", "value": [13 numbers], "quantiles": {"0.025": [13 numbers], …}}. The series need not be
one of those that were trained on: the members that the group's ensemble counts on are fitted on the spot.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lags
import metrics
import numpy as np
from combine import combined, quantiles
from members import forecast, seen

LINES = "application/jsonlines"


def model_fn(folder: str) -> dict[str, Any]:
    groups = json.loads((Path(folder) / "ensemble.json").read_text())["groups"]
    trees = {path.stem: lags.load(path) for path in sorted((Path(folder) / "lightgbm").glob("*.joblib"))}
    return {"groups": groups, "lightgbm": trees}


def input_fn(body: str | bytes, content_type: str) -> list[dict[str, Any]]:
    if content_type not in (LINES, "application/json"):
        raise ValueError(f"{content_type} is not read here: send {LINES} or application/json")
    text = body.decode() if isinstance(body, bytes) else body
    return (
        [json.loads(line) for line in text.splitlines() if line.strip()]
        if content_type == LINES
        else [json.loads(text)]
    )


def predict_fn(asked: list[dict[str, Any]], model: dict[str, Any]) -> list[dict[str, Any]]:
    return [one(each, model) for each in asked]


def one(asked: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError for a group that is not known or a history without numbers."""
    if asked.get("group") not in model["groups"]:
        raise ValueError(f"group must be one of {', '.join(model['groups'])}")
    y = np.asarray(asked.get("y") or [], dtype=float)
    if len(y) == 0 or not np.isfinite(y).all():
        raise ValueError("y must be a list of numbers, without gaps")
    chosen = model["groups"][asked["group"]]
    season, trees = chosen["season"], model["lightgbm"].get(asked["group"])
    found = {name: member(name, y, chosen, trees) for name in chosen["weights"]}
    value = combined(chosen["weights"], found)[None]
    spread = quantiles(chosen["spread"], value, np.array([metrics.scale(y, season)]))
    told = {level: rows[0].tolist() for level, rows in spread.items()}
    return {"id": asked.get("id"), "value": value[0].tolist(), "quantiles": told}


def member(name: str, y: np.ndarray, group: dict[str, Any], trees: lags.Lags | None) -> np.ndarray:
    """One member's forecast, as train.py makes it."""
    season, horizon = group["season"], group["horizon"]
    if name != "lightgbm":
        return forecast(name, y, season, horizon, group["cycle"])[0]
    kept, _, after = seen(name, y, season, horizon, group["cycle"])
    found = trees.forecast({"y": kept}, horizon)["y"] * after if trees and len(y) >= 8 else np.full(horizon, np.nan)
    return found if np.isfinite(found).all() else metrics.naive2(y, season, horizon)


def output_fn(answers: list[dict[str, Any]], accept: str) -> tuple[str, str]:
    if len(answers) == 1 and accept != LINES:
        return json.dumps(answers[0]), "application/json"
    return "\n".join(json.dumps(answer) for answer in answers) + "\n", LINES
