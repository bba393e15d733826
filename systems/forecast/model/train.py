"""One member's forecasts of every group, from every origin: a training job in script mode, or alone on a laptop.

    python model/train.py --train work/train --member ets --model-dir work/models/ets

It leaves forecasts.parquet (group, series, origin, step, value), facts.json (what it cost, how often Naive2 stood in),
and for LightGBM the model of each group. After each group it prints the OWA of the origins so far, which a tuning job
minimises.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import lags
import metrics
import numpy as np
import pandas as pd
from members import MEMBERS, forecast, seen
from panel import Group, drawn, read

Forecasts = dict[str, np.ndarray]


def used() -> float:
    """CPU seconds of this process and of those that it started and saw end (Prophet's)."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def local(group: Group, origin: int, member: str, facts: dict[str, Any]) -> Forecasts:
    """Each series by itself."""
    found = {}
    for name, y in group.cut(origin).items():
        found[name], stood_in = forecast(member, y, group.season, group.horizon, group.cycle)
        facts["stood_in"] += stood_in
    return found


def lightgbm(group: Group, origin: int, chosen: dict[str, Any], folder: Path, facts: dict[str, Any]) -> Forecasts:
    """Fitted on all histories up to the origin, as what is served is; that of origin 0 is kept, to be served."""
    parts = {
        name: seen("lightgbm", y, group.season, group.horizon, group.cycle)
        for name, y in group.known(origin).items()
        if len(y) >= 8
    }
    series, found = {name: part[0] for name, part in parts.items()}, {}
    if any(len(y) >= lags.LAGS[-1] + group.horizon for y in series.values()):
        model = lags.Lags(series, group.horizon, chosen)
        asked = {name: series[name] for name in group.cut(origin) if name in series}
        found = {name: values * parts[name][2] for name, values in model.forecast(asked, group.horizon).items()}
        if origin == 0:
            lags.save(model, folder / "lightgbm" / f"{group.name}.joblib")
    for name, y in group.cut(origin).items():
        if name not in found or not np.isfinite(found[name]).all():
            found[name] = metrics.naive2(y, group.season, group.horizon)
            facts["stood_in"] += 1
    return found


def score(group: Group, origin: int, found: Forecasts) -> tuple[float, float, float, float]:
    """sMAPE and MASE of the forecasts and of Naive2, averages over the series of an origin."""
    histories, truth = group.cut(origin), group.truth(origin)
    names = list(found)
    y, own = np.stack([truth[name] for name in names]), np.stack([found[name] for name in names])
    naive2 = np.stack([metrics.naive2(histories[name], group.season, group.horizon) for name in names])
    scales = np.array([metrics.scale(histories[name], group.season) for name in names])
    return (
        float(metrics.smape(y, own).mean()),
        float(metrics.mase(y, own, scales).mean()),
        float(metrics.smape(y, naive2).mean()),
        float(metrics.mase(y, naive2, scales).mean()),
    )


def rows(group: str, origin: int, found: Forecasts) -> pd.DataFrame:
    horizon = len(next(iter(found.values())))
    named = {"series": np.repeat(list(found), horizon), "step": np.tile(np.arange(horizon), len(found))}
    table = pd.DataFrame(named | {"value": np.concatenate(list(found.values()))})
    return table.assign(group=group, origin=origin)


def train(args: argparse.Namespace, chosen: dict[str, Any]) -> dict[str, Any]:
    """All groups, all origins; return the facts."""
    facts: dict[str, Any] = {"member": args.member, "stood_in": 0, "fits": {}, "seconds": {}, "series": {}}
    tables, scores = [], []
    if args.member in MEMBERS:
        forecast(args.member, np.arange(1.0, 25.0) + np.arange(24) % 4, 4, 2)  # imports are no part of the cost
    for group in read(args.train):
        group = group.only(drawn(list(group.series), args.sample)[args.part :: args.parts])
        begun, wall, fits = used(), time.monotonic(), 0
        for origin in range(1 if args.only_origins else 0, group.origins + 1):
            if not group.cut(origin):
                continue
            if args.member == "lightgbm":
                found = lightgbm(group, origin, chosen, args.model_dir, facts)
            else:
                found = local(group, origin, args.member, facts)
            fits += len(found)
            tables.append(rows(group.name, origin, found))
            if origin:
                scores.append(score(group, origin, found))
        facts["seconds"][group.name], facts["fits"][group.name] = used() - begun, fits
        facts["series"][group.name] = len(group.series)
        said = f"{group.name}: {len(group.series)} series in {time.monotonic() - wall:.1f} s"
        if scores:
            own = np.mean(scores, axis=0)
            said += f", cv-owa:{metrics.owa((own[0], own[1]), (own[2], own[3])):.5f}"
        print(said, flush=True)
    args.model_dir.mkdir(parents=True, exist_ok=True)
    pd.concat(tables, ignore_index=True).to_parquet(args.model_dir / "forecasts.parquet", index=False)
    (args.model_dir / "facts.json").write_text(json.dumps(facts))
    return facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--member", choices=[*MEMBERS, "lightgbm"], required=True)
    parser.add_argument("--sample", type=int, default=0, help="so many series of each group; 0: all")
    parser.add_argument("--part", type=int, default=0, help="of the series, which part this job does …")
    parser.add_argument("--parts", type=int, default=1, help="… of how many")
    parser.add_argument(
        "--only_origins", type=int, default=0, help="1: only the cross-validation, as a tuning job wants it"
    )
    for name, value in lags.DEFAULTS.items():
        parser.add_argument(f"--{name}", type=float, default=value)
    args = parser.parse_args()
    facts = train(args, {name: getattr(args, name) for name in lags.DEFAULTS})
    seconds = sum(facts["seconds"].values())
    print(
        f"{sum(facts['fits'].values())} forecasts, {seconds:.1f} CPU seconds, Naive2 stood in {facts['stood_in']} times"
    )


if __name__ == "__main__":
    main()
