"""From members to one ensemble: which members, how combined, and how sure, all decided on the rolling origins.

    python model/combine.py --train work/train --members work/models --model-dir work/ensemble

For each group every subset of the members is tried as mean, and as mean with weights that fall with the square of a
member's error. The score is OWA over the origins. Of all that are within a standard error of the best
(paired, over the series, each the mean of its origins) the one with the most members is taken: the best of many is
partly luck, breadth lasts. The quantiles are those of the ensemble's own errors on the origins, by step, in units of
each series' MASE scale, the median among them; the floor, the seasonal naive forecast, has its own in the same way.

It leaves ensemble.json, forecasts.parquet (value and quantiles, from the end of the histories), and what serves: code/.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import metrics
import numpy as np
import pandas as pd
from panel import Group, read

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
SERVED = ("ets", "theta", "ces", "arima", "lightgbm")  # what the endpoint can fit; the floors are no candidates
FLOOR = "snaive"
HERE = Path(__file__).resolve().parent


def opened(folder: Path) -> tuple[pd.DataFrame, dict[str, dict[str, Any]], list[Path]]:
    """All members' forecasts (member, group, series, origin, step, value), their facts, and where their files are.

    Jobs that did parts of one member count as one.
    """
    tables, facts, places = [], {}, []
    for packed in sorted(folder.rglob("model.tar.gz")):
        with tarfile.open(packed) as archive:
            archive.extractall(packed.parent, filter="data")
    for path in sorted(folder.rglob("facts.json")):
        found = json.loads(path.read_text())
        name = found["member"]
        tables.append(pd.read_parquet(path.parent / "forecasts.parquet").assign(member=name))
        facts[name] = merged(facts[name], found) if name in facts else found
        places.append(path.parent)
    return pd.concat(tables, ignore_index=True), facts, places


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Facts of two parts of a member."""
    sums = {key: {g: one[key].get(g, 0) + n for g, n in other[key].items()} for key in ("seconds", "series", "fits")}
    return one | sums | {"stood_in": one["stood_in"] + other["stood_in"]}


def matrix(table: pd.DataFrame, names: list[str], horizon: int) -> np.ndarray | None:
    """A row for each series, a column for each step; None unless all series are there."""
    if len(table) != len(names) * horizon:
        return None
    return table.pivot(index="series", columns="step", values="value").loc[names].to_numpy()


class Origins:
    """Truth, scales, Naive2 and the members' forecasts of a group, the rows of all origins below one another."""

    def __init__(self, group: Group, table: pd.DataFrame) -> None:
        parts: dict[str, list[np.ndarray]] = {}
        self.names: list[str] = []  # of the rows' series
        self.season, truth, scales, naive2 = group.season, [], [], []
        for origin in range(1, group.origins + 1):
            histories, after = group.cut(origin), group.truth(origin)
            if not histories:
                continue
            self.names += list(histories)
            truth += [after[name] for name in histories]
            scales += [metrics.scale(y, group.season) for y in histories.values()]
            naive2 += [metrics.naive2(y, group.season, group.horizon) for y in histories.values()]
            for member, rows in table[table["origin"] == origin].groupby("member"):
                found = matrix(rows, list(histories), group.horizon)
                if found is not None and member in (*SERVED, FLOOR):
                    parts.setdefault(str(member), []).append(found)
        whole = {name: np.concatenate(found) for name, found in sorted(parts.items())}
        self.floor, self.members = whole[FLOOR], {name: rows for name, rows in whole.items() if name in SERVED}
        self.truth, self.scales = np.stack(truth), np.array(scales)
        reference = np.stack(naive2)
        self.naive2 = self._errors(reference).mean(axis=1)

    def _errors(self, forecast: np.ndarray) -> np.ndarray:
        return np.stack([metrics.smape(self.truth, forecast), metrics.mase(self.truth, forecast, self.scales)])

    def scores(self, forecast: np.ndarray) -> np.ndarray:
        """Of each series; the mean is the OWA."""
        return (self._errors(forecast) / self.naive2[:, None]).mean(axis=0)


def combined(weights: dict[str, float], found: dict[str, np.ndarray]) -> np.ndarray:
    """Members' forecasts as one; weights name the members that count."""
    stacked = np.stack([found[name] for name in weights])
    return np.asarray(np.tensordot(np.array(list(weights.values())), stacked, axes=1))


def candidates(scores: dict[str, float]) -> list[tuple[str, dict[str, float]]]:
    """Ways to combine: (how, weights)."""
    found: list[tuple[str, dict[str, float]]] = []
    for size in range(1, len(scores) + 1):
        for names in itertools.combinations(sorted(scores), size):
            even = dict.fromkeys(names, 1 / size)
            inverse = {name: scores[name] ** -2 for name in names}
            total = sum(inverse.values())
            found.append(("mean", even))
            if size > 1:
                found.append(("weighted", {name: value / total for name, value in inverse.items()}))
    return found


def choose(origins: Origins) -> dict[str, Any]:
    """The ensemble of a group: how, weights, and what the origins say of it and of each member."""
    alone = {name: float(origins.scores(found).mean()) for name, found in origins.members.items()}
    tried = [(how, weights, origins.scores(combined(weights, origins.members))) for how, weights in candidates(alone)]
    best = min(tried, key=lambda each: each[2].mean())
    within = [each for each in tried if not worse(each[2], best[2], origins.names)]
    how, weights, scores = min(within, key=lambda each: (-len(each[1]), each[2].mean()))
    return {"how": how, "weights": weights, "owa": float(scores.mean()), "members": alone, "tried": len(tried)}


def worse(own: np.ndarray, best: np.ndarray, names: list[str]) -> bool:
    """By more than a standard error of the paired difference. A series' origins are one observation, their mean."""
    apart = pd.Series(own - best).groupby(names).mean()
    return bool(apart.mean() > apart.std(ddof=0) / np.sqrt(len(apart)))


def spread(origins: Origins, forecast: np.ndarray) -> dict[str, list[float]]:
    """For each level the quantile at each step of a forecast's errors, in units of the scale."""
    apart = (origins.truth - forecast) / origins.scales[:, None]
    return {str(level): np.quantile(apart, level, axis=0).tolist() for level in LEVELS}


def quantiles(spread: dict[str, list[float]], value: np.ndarray, scales: np.ndarray) -> dict[str, np.ndarray]:
    """By level, of rows of forecasts; never below 0 where forecasts are not."""
    found = {level: value + scales[:, None] * np.array(steps) for level, steps in spread.items()}
    floor = np.where(value.min(axis=1, keepdims=True) >= 0, 0.0, -np.inf)
    return {level: np.maximum(rows, floor) for level, rows in found.items()}


def forecasts(group: Group, chosen: dict[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    """The ensemble's, from the end of the histories, with quantiles."""
    names = list(group.series)
    now = table[table["origin"] == 0]
    found = {name: matrix(now[now["member"] == name], names, group.horizon) for name in chosen["weights"]}
    value = combined(chosen["weights"], {name: rows for name, rows in found.items() if rows is not None})
    scales = np.array([metrics.scale(y, group.season) for y in group.series.values()])
    wide = {"value": value} | quantiles(chosen["spread"], value, scales)
    named = {"series": np.repeat(names, group.horizon), "step": np.tile(np.arange(group.horizon), len(names))}
    return pd.DataFrame(named | {column: rows.ravel() for column, rows in wide.items()}).assign(group=group.name)


def combine(train: Path, members: Path, out: Path) -> dict[str, Any]:
    """Write the artefact; return ensemble.json."""
    out.mkdir(parents=True, exist_ok=True)
    table, facts, places = opened(members)
    ensemble, tables = {}, []
    for group in read(train):
        rows = table[table["group"] == group.name]
        origins = Origins(group, rows)
        chosen = choose(origins)
        chosen |= {"season": group.season, "cycle": group.cycle, "horizon": group.horizon}
        chosen["spread"] = spread(origins, combined(chosen["weights"], origins.members))
        chosen["floor"] = spread(origins, origins.floor)
        ensemble[group.name] = chosen
        tables.append(forecasts(group, chosen, rows))
        shown = ", ".join(f"{name} {weight:.2f}" for name, weight in chosen["weights"].items())
        print(f"{group.name}: {chosen['how']} of {shown}; cv-owa:{chosen['owa']:.5f}", flush=True)
    told = {"groups": ensemble, "members": facts}
    (out / "ensemble.json").write_text(json.dumps(told, indent=1))
    pd.concat(tables, ignore_index=True).to_parquet(out / "forecasts.parquet", index=False)
    for place in places:
        if (place / "lightgbm").is_dir():
            shutil.copytree(place / "lightgbm", out / "lightgbm", dirs_exist_ok=True)
    (out / "code").mkdir(exist_ok=True)
    for path in [*HERE.glob("*.py"), HERE / "requirements.txt"]:
        shutil.copy(path, out / "code" / path.name)
    return told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--members", type=Path, default=os.environ.get("SM_CHANNEL_MEMBERS"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    args = parser.parse_args()
    combine(args.train, args.members, args.model_dir)
