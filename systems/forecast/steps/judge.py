"""What the forecasts from the end of the histories are worth, on the test part: every model, the ensemble, intervals.

Bootstrap intervals resample the series. A difference is paired: both models on the same series.
Cost is CPU seconds for 1,000 forecasts, learning included, over all that a member made, at the origins and at the end.
A model that was tried on some of the series alone is compared with the ensemble on those, paired.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import metrics
import numpy as np
import pandas as pd
from combine import FLOOR, LEVELS, matrix, opened, quantiles
from panel import Group, read
from pooled import REFERENCE, interval, resamples

Errors = tuple[np.ndarray, np.ndarray]  # sMAPE and MASE of each series


class Judge:
    """A group's truth."""

    def __init__(self, group: Group, test: pd.DataFrame) -> None:
        self.group, self.names = group, [name for name in group.series if name in set(test["series"].astype(str))]
        self.y = np.full((len(self.names), group.horizon), np.nan)
        row = {name: place for place, name in enumerate(self.names)}
        for series, step, y in zip(test["series"].astype(str), test["step"], test["y"], strict=True):
            if series in row:
                self.y[row[series], step] = y
        self.scales = np.array([metrics.scale(group.series[name], group.season) for name in self.names])
        naive2 = [metrics.naive2(group.series[name], group.season, group.horizon) for name in self.names]
        self.naive2 = self.errors(np.stack(naive2), self.names)

    def errors(self, forecast: np.ndarray, names: list[str]) -> Errors:
        at = [self.names.index(name) for name in names]
        return metrics.smape(self.y[at], forecast), metrics.mase(self.y[at], forecast, self.scales[at])

    def reference(self, names: list[str]) -> Errors:
        """Naive2's errors on these series."""
        at = [self.names.index(name) for name in names]
        return self.naive2[0][at], self.naive2[1][at]

    def told(self, forecast: np.ndarray, names: list[str]) -> dict[str, Any]:
        """sMAPE, MASE and OWA with their intervals."""
        own, reference = self.errors(forecast, names), self.reference(names)
        draws = resamples(len(names))
        smape, mase = own[0][draws].mean(axis=1), own[1][draws].mean(axis=1)
        owas = (smape / reference[0][draws].mean(axis=1) + mase / reference[1][draws].mean(axis=1)) / 2
        exact = metrics.owa((own[0].mean(), own[1].mean()), (reference[0].mean(), reference[1].mean()))
        found = {"smape": (own[0].mean(), smape), "mase": (own[1].mean(), mase), "owa": (exact, owas)}
        told = {key: {"value": float(value), "interval": interval(drawn)} for key, (value, drawn) in found.items()}
        return told | {"series": len(names)}

    def difference(self, one: np.ndarray, other: np.ndarray, names: list[str]) -> dict[str, Any]:
        """OWA of one less that of the other, on these series."""
        draws, n2 = resamples(len(names)), self.reference(names)
        parts = [self.errors(each, names) for each in (one, other)]
        owas = [
            (p[0][draws].mean(1) / n2[0][draws].mean(1) + p[1][draws].mean(1) / n2[1][draws].mean(1)) / 2 for p in parts
        ]
        exact = [(p[0].mean() / n2[0].mean() + p[1].mean() / n2[1].mean()) / 2 for p in parts]
        return {"value": float(exact[0] - exact[1]), "interval": interval(owas[0] - owas[1])}


def probabilistic(judge: Judge, quantiles: dict[float, np.ndarray]) -> dict[str, float]:
    """Quantile loss and the coverage of the intervals that these levels make."""
    found = {"quantile_loss": metrics.quantile_loss(judge.y, quantiles)}
    for low, high in ((0.025, 0.975), (0.1, 0.9)):
        if low in quantiles and high in quantiles:
            found[f"coverage_{high - low:.2f}"] = metrics.coverage(judge.y, quantiles[low], quantiles[high])
    return found


def judge(prepared: Path, models: Path, ensemble: Path, deepar: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The whole evaluation, by group.

    deepar: by group, {"quantiles": {level: rows}, "seconds": of training}, rows in the order of the group's series.
    """
    table, facts, _ = opened(models)
    now = table[table["origin"] == 0]
    own = pd.read_parquet(ensemble / "forecasts.parquet")
    chosen = json.loads((ensemble / "ensemble.json").read_text())["groups"]
    report = {}
    for group in read(prepared / "train"):
        judged = Judge(group, pd.read_parquet(prepared / "test" / f"{group.name}.parquet"))
        theirs = members(judged, now[now["group"] == group.name], facts)
        report[group.name] = one(judged, theirs, own[own["group"] == group.name], chosen[group.name])
        if group.name in deepar:
            report[group.name]["models"]["deepar"] = deep(judged, deepar[group.name])
    return report


def members(judged: Judge, table: pd.DataFrame, facts: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each member's forecasts (rows of `names`) and cost."""
    found, group = {}, judged.group
    for name, rows in table.groupby("member"):
        there = set(rows["series"])
        names = [each for each in judged.names if each in there]
        forecast = matrix(rows[rows["series"].isin(names)], names, group.horizon)
        if forecast is not None:
            cost = 1000 * facts[str(name)]["seconds"][group.name] / facts[str(name)]["fits"][group.name]
            found[str(name)] = {"names": names, "forecast": forecast, "cost": cost}
    return found


def one(judged: Judge, theirs: dict[str, dict[str, Any]], own: pd.DataFrame, chosen: dict[str, Any]) -> dict[str, Any]:
    """A group's report."""
    models = {
        name: judged.told(each["forecast"], each["names"]) | {"cost": each["cost"]} for name, each in theirs.items()
    }
    names, horizon = judged.names, judged.group.horizon
    own = own[own["series"].isin(names)]
    wide = {
        c: own.pivot(index="series", columns="step", values=c).loc[names].to_numpy()
        for c in ["value", *map(str, LEVELS)]
    }
    whole = [name for name in chosen["members"] if name in theirs]
    best = min(whole, key=lambda name: models[name]["owa"]["value"])
    models["ensemble"] = judged.told(wide["value"], names) | {
        "cost": sum(models[name]["cost"] for name in chosen["weights"])
    }
    for name, each in theirs.items():
        if each["names"] != names:
            rows = wide["value"][[names.index(series) for series in each["names"]]]
            models[name]["less_ensemble"] = judged.difference(each["forecast"], rows, each["names"])
    complete = {name: each["forecast"] for name, each in theirs.items() if each["names"] == names}
    errors = {name: judged.errors(rows, names) for name, rows in (complete | {"ensemble": wide["value"]}).items()}
    floor = quantiles(chosen["floor"], theirs[FLOOR]["forecast"], judged.scales)
    return {
        "series": len(names),
        "horizon": horizon,
        "models": models,
        "chosen": {key: chosen[key] for key in ("how", "weights", "owa", "members", "tried")},
        "best": best,
        "errors": {name: np.round(pair, 6).tolist() for name, pair in (errors | {REFERENCE: judged.naive2}).items()},
        "difference": judged.difference(wide["value"], theirs[best]["forecast"], names),
        "probabilistic": probabilistic(judged, {level: wide[str(level)] for level in LEVELS}),
        "floor": probabilistic(judged, {float(level): rows for level, rows in floor.items()}),
    }


def deep(judged: Judge, found: dict[str, Any]) -> dict[str, Any]:
    """DeepAR's, whose point forecast is its median."""
    names = list(judged.group.series)
    at = [names.index(name) for name in judged.names]
    rows = {float(level): np.asarray(values)[at] for level, values in found["quantiles"].items()}
    cost = 1000 * found["seconds"] / len(names)
    return judged.told(rows[0.5], judged.names) | {"cost": cost, "probabilistic": probabilistic(judged, rows)}
