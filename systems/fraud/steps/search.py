"""Choose the hyperparameters, and compare the treatments of imbalance, on weeks before every week that run.py tests.

    python steps/search.py --data FOLDER            # three validation weeks, days 42 to 62; run.py tests from day 63 on
    python steps/search.py --data FOLDER --write    # and write model/hyperparameters.json and a part of RESULTS.md

One setting after the other, in the order of SETTINGS: each of its choices is trained with what has been chosen so far
and judged by the mean of average precision over the validation weeks. Choices are listed from the smallest model on:
the first stands, whatever the search began with, until a later one gains GAIN over it. The libraries are called
directly here, with the images' names.

Less than one transaction in a hundred is a fraud. Four treatments are compared with the boosters that were chosen:
none, the positive class weighted by the root of the odds and by the odds, and a random tenth of the honest ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import xgboost

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "model"), str(HERE.parent / "data")]
import evaluate  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402
from tables import VALIDATION, BadInput, Transactions, load  # noqa: E402

GAIN = 0.001  # in the mean of average precision
CHOSEN = HERE.parent / "model" / "hyperparameters.json"
Chosen = dict[str, Any]
FIRST: dict[str, Chosen] = {  # what is not searched, and where the search begins
    "xgboost": {
        "objective": "binary:logistic",
        "eval_metric": "logloss,aucpr",
        "min_child_weight": 5,
        "subsample": 0.8,
        "colsample_bytree": 0.7,
        "seed": 0,
        "nthread": 1,
    },
    "lightgbm": {
        "metric": "binary_logloss",
        "early_stopping_rounds": -1,
        "max_depth": -1,
        "min_data_in_leaf": 40,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "num_threads": 1,
    },
    "forest": {
        "boosting": "rf",
        "metric": "binary_logloss",
        "early_stopping_rounds": -1,
        "max_depth": -1,
        "feature_fraction": 1,
        "bagging_fraction": 0.632,
        "bagging_freq": 1,
        "lambda_l2": 0,
        "num_boost_round": 100,
        "num_threads": 1,
    },
}
SETTINGS: dict[str, list[list[Chosen]]] = {
    "xgboost": [
        [{"max_depth": 5, "num_round": 200, "eta": 0.05, "lambda": 5}],
        [{"max_bin": 256}, {"max_bin": 1024}, {"max_bin": 4096}],
        [{"max_depth": depth} for depth in (4, 5, 7)],
        [{"num_round": 200, "eta": 0.05}, {"num_round": 400, "eta": 0.03}],
        [{"lambda": 5}, {"lambda": 1}],
    ],
    "lightgbm": [
        [{"num_leaves": 15, "num_boost_round": 150, "learning_rate": 0.05, "lambda_l2": 5}],
        [{"max_bin": 255}, {"max_bin": 1023}, {"max_bin": 4095}],
        [{"num_leaves": leaves} for leaves in (8, 15, 31)],
        [{"num_boost_round": 150, "learning_rate": 0.05}, {"num_boost_round": 300, "learning_rate": 0.03}],
        [{"lambda_l2": 5}, {"lambda_l2": 1}, {"lambda_l2": 0}],
    ],
    "forest": [
        [{"num_leaves": 256, "min_data_in_leaf": 1, "feature_fraction_bynode": 0.27}],
        [{"max_bin": 255}, {"max_bin": 1023}, {"max_bin": 4095}],
        [{"num_leaves": 256}, {"num_leaves": 512}],
        [{"min_data_in_leaf": 3}, {"min_data_in_leaf": 1}],
        [{"feature_fraction_bynode": 0.27}, {"feature_fraction_bynode": 0.4}],
    ],
}
SEARCHED = {
    kind: sorted({name for choices in steps for choice in choices for name in choice})
    for kind, steps in SETTINGS.items()
}
CUT = {"feature_dim": 15, "num_trees": 50, "num_samples_per_tree": 256}  # the random cut forest is not searched
TREATMENTS = ("none", "root of the odds", "the odds", "a tenth of the honest")


def predict(kind: str, chosen: Chosen, x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Train one member as its image does, and score the test rows."""
    if kind == "xgboost":
        given = {name: value for name, value in chosen.items() if name not in ("num_round", "eval_metric")}
        booster = xgboost.train(given, xgboost.DMatrix(x, y), chosen["num_round"])
        return booster.predict(xgboost.DMatrix(test))
    ours = ("num_boost_round", "early_stopping_rounds", "metric")
    given = {name: value for name, value in chosen.items() if name not in ours}
    given |= {"objective": "binary", "verbosity": -1, "seed": 0}
    light = lightgbm.train(given, lightgbm.Dataset(x, y), chosen["num_boost_round"])
    return light.predict(test, raw_score=True)


def treated(treatment: str, y: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """(rows to train on, hyperparameters) of a treatment."""
    odds = float((len(y) - y.sum()) / y.sum())
    rows = np.arange(len(y))
    if treatment == "a tenth of the honest":
        kept = np.random.default_rng(0).random(len(y)) < 0.1
        return rows[kept | (y > 0)], {}
    weight = {"none": 1.0, "root of the odds": odds**0.5, "the odds": odds}[treatment]
    return rows, {"scale_pos_weight": weight}


def tried(data: Transactions, kind: str, chosen: Chosen, treatment: str = "none") -> np.ndarray:
    """The three measures, the mean over the validation weeks."""
    values = []
    for start in VALIDATION:
        fold = data.fold(start)
        y = data.truth(fold.train)
        rows, more = treated(treatment, y)
        score = predict(kind, chosen | more, data.x[fold.train][rows], y[rows], data.x[fold.test]).astype(float)
        values.append(evaluate.judge(data.table, fold.test, {kind: score}, draws=0)[kind].values)
    return np.mean(values, axis=0)


class Search:
    """One kind of member: what has been tried, and what stands."""

    def __init__(self, data: Transactions, kind: str) -> None:
        self.data, self.kind = data, kind
        self.tried: dict[str, np.ndarray] = {}

    def values(self, chosen: Chosen) -> np.ndarray:
        """Each setting is tried once."""
        key = json.dumps({name: chosen[name] for name in SEARCHED[self.kind] if name in chosen})
        if key not in self.tried:
            self.tried[key] = tried(self.data, self.kind, chosen)
            print(f"{self.kind:9} " + " ".join(f"{value:.4f}" for value in self.tried[key]), key, flush=True)
        return self.tried[key]

    def run(self) -> Chosen:
        """What stands when every setting has had its turn."""
        stands = FIRST[self.kind] | SETTINGS[self.kind][0][0]
        for choices in SETTINGS[self.kind][1:]:
            made = [stands | choice for choice in choices]
            best = made[0]
            for one in made[1:]:
                if self.values(one)[1] > self.values(best)[1] + GAIN:
                    best = one
            stands = best
        return stands


def table(rows: dict[str, np.ndarray], first: str) -> list[str]:
    """Rows of three measures."""
    head = [f"| {first} | " + " | ".join(evaluate.METRICS) + " |", "|---|" + "---|" * len(evaluate.METRICS)]
    return head + [
        f"| {name} | " + " | ".join(f"{value:.4f}" for value in values) + " |" for name, values in rows.items()
    ]


def part(
    command: str, origin: str, commit: str, searches: list[Search], chosen: dict[str, Chosen], imbalance: Any
) -> str:
    """What RESULTS.md says of the search."""
    days = f"{VALIDATION[0] + 2 * evaluate.WEEK} to {VALIDATION[-1] + 3 * evaluate.WEEK - 1}"
    lines = [
        f"Written by `{command}`: {origin}, run {datetime.now(UTC):%Y%m%d-%H%M%S} UTC, commit {commit}. "
        f"Means of {len(VALIDATION)} validation weeks, days {days}, which no run on these transactions tests. Seeds 0. "
        "The choices of a setting are listed from the smallest model on; the first stands, whatever the search began "
        f"with, until a later one gains {GAIN} in average precision over it.",
        "",
    ]
    for search in searches:
        stands = chosen[search.kind]
        said = json.dumps({name: stands[name] for name in SEARCHED[search.kind]})
        lines += [f"### {search.kind}", "", f"Chosen: `{said}`", "", *table(search.tried, "tried"), ""]
    for kind, rows in imbalance.items():
        lines += [f"### Treatments of imbalance, {kind}", "", *table(rows, "treatment"), ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--write", action="store_true", help="write hyperparameters.json and a part of RESULTS.md")
    args = parser.parse_args()
    commit = report.commit(HERE.parent)  # of the code that runs, before it writes anything
    try:
        data = load(args.data)
    except BadInput as error:
        parser.error(str(error))
    searches = [Search(data, kind) for kind in SETTINGS]
    chosen = {search.kind: search.run() for search in searches}
    imbalance: dict[str, dict[str, np.ndarray]] = {}
    for kind in ("xgboost", "lightgbm"):
        imbalance[kind] = {treatment: tried(data, kind, chosen[kind], treatment) for treatment in TREATMENTS}
        for treatment, values in imbalance[kind].items():
            print(f"{kind:9} " + " ".join(f"{value:.4f}" for value in values), treatment, flush=True)
    print(json.dumps(chosen, indent=2))
    if args.write:
        CHOSEN.write_text(json.dumps(chosen | {"randomcutforest": CUT}, indent=2) + "\n")
        command = f"python steps/search.py{' --data FOLDER' if args.data else ''} --write"
        said = part(command, data.origin, commit, searches, chosen, imbalance)
        results.write(HERE.parent / "RESULTS.md", results.SEARCH, said)


if __name__ == "__main__":
    main()
