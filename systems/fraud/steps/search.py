"""Hyperparameters and the treatment of imbalance, judged on weeks that lie before every week that run.py tests.

    python steps/search.py --data FOLDER          # three validation weeks, from day 42 to day 62

Less than one transaction in a hundred is a fraud. Four treatments are compared, each with the same boosters: none, the
positive class weighted by the root of the odds and by the odds, and a random tenth of the honest transactions. What
wins is copied by hand to model/hyperparameters.json. The libraries are called directly here, with the images' names.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import xgboost

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "model"), str(HERE.parent / "data")]
import evaluate  # noqa: E402
from tables import Transactions, load  # noqa: E402

STARTS = (28, 35, 42)
CHOSEN = json.loads((HERE.parent / "model" / "hyperparameters.json").read_text())
TREATMENTS = ("none", "root of the odds", "the odds", "a tenth of the honest")
TRIED: dict[str, list[dict[str, Any]]] = {
    "xgboost": [
        {"max_depth": depth, "num_round": rounds, "eta": 12 / rounds} for depth in (3, 5, 7) for rounds in (120, 240)
    ],
    "lightgbm": [
        {"num_leaves": leaves, "num_boost_round": rounds, "learning_rate": 8 / rounds}
        for leaves in (8, 15, 31)
        for rounds in (80, 160)
    ],
}


def predict(kind: str, chosen: dict[str, Any], x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Train one booster as its image does, and score the test rows."""
    if kind == "xgboost":
        given = {name: value for name, value in chosen.items() if name not in ("num_round", "eval_metric")}
        booster = xgboost.train(given, xgboost.DMatrix(x, y), chosen["num_round"])
        return booster.predict(xgboost.DMatrix(test))
    ours = ("num_boost_round", "early_stopping_rounds", "metric")
    given = {name: value for name, value in chosen.items() if name not in ours}
    given |= {"objective": "binary", "verbosity": -1, "seed": 0}
    return lightgbm.train(given, lightgbm.Dataset(x, y), chosen["num_boost_round"]).predict(test)


def treated(treatment: str, y: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """(rows to train on, hyperparameters) of a treatment."""
    odds = float((len(y) - y.sum()) / y.sum())
    rows = np.arange(len(y))
    if treatment == "a tenth of the honest":
        kept = np.random.default_rng(0).random(len(y)) < 0.1
        return rows[kept | (y > 0)], {}
    weight = {"none": 1.0, "root of the odds": odds**0.5, "the odds": odds}[treatment]
    return rows, {"scale_pos_weight": weight}


def tried(data: Transactions, kind: str, chosen: dict[str, Any], treatment: str) -> np.ndarray:
    """The three measures, the mean over the validation weeks."""
    values = []
    for start in STARTS:
        fold = data.fold(start)
        y = data.truth(fold.train)
        rows, more = treated(treatment, y)
        score = predict(kind, chosen | more, data.x[fold.train][rows], y[rows], data.x[fold.test])
        values.append(evaluate.judge(data.table[fold.test], {kind: score}, draws=0)[kind].values)
    return np.mean(values, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--work", type=Path, default=HERE.parent / "work")
    parser.add_argument("--only", choices=["imbalance", "hyperparameters"])
    args = parser.parse_args()
    data = load(args.data, args.work)
    for kind, choices in TRIED.items():
        if args.only != "imbalance":
            found = [(tried(data, kind, CHOSEN[kind] | choice, "none"), choice) for choice in choices]
            for values, choice in sorted(found, key=lambda one: -one[0][1:].sum())[:5]:
                print(f"{kind:9} " + " ".join(f"{value:.4f}" for value in values), choice, flush=True)
        if args.only != "hyperparameters":
            for treatment in TREATMENTS:
                values = tried(data, kind, CHOSEN[kind], treatment)
                print(f"{kind:9} " + " ".join(f"{value:.4f}" for value in values), treatment, flush=True)


if __name__ == "__main__":
    main()
