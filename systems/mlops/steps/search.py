"""Search hyperparameters on the validation people, by log loss; the test people are not touched.

    python steps/search.py --prepared work/randhie

XGBoost is called directly here, with the names the built-in image takes. What wins is copied by hand to
model/hyperparameters.json.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

import numpy as np
import xgboost
from sklearn.metrics import log_loss, roc_auc_score

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "model")]
from inference import predict_fn  # noqa: E402
from train import fit, read  # noqa: E402

LOGISTIC = {"c": [0.001, 0.01, 0.1, 1.0], "knots": [0, 2, 4, 8]}
XGBOOST = {"max_depth": [1, 2, 3, 4, 6], "eta": [0.03, 0.1], "min_child_weight": [5, 20, 60], "lambda": [1, 20]}
FIXED = {"objective": "binary:logistic", "eval_metric": "logloss", "subsample": 0.8, "colsample_bytree": 0.8, "seed": 0}
ROUNDS = 400  # trained once per setting; the best number of rounds is read off the validation curve


def grid(choices: dict) -> list[dict]:
    """Every combination."""
    return [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepared", type=Path, default=HERE.parent / "work" / "randhie")
    parser.add_argument("--top", type=int, default=5)
    args = parser.parse_args()
    x, y = read(args.prepared / "train")
    vx, vy = read(args.prepared / "validation")
    train, validation = xgboost.DMatrix(x, y), xgboost.DMatrix(vx, vy)
    tried = []
    for choice in grid(LOGISTIC):
        p = predict_fn(vx, fit(x, y, **choice))
        tried.append((log_loss(vy, p), roc_auc_score(vy, p), "logistic", choice))
    for choice in grid(XGBOOST):
        curve: dict = {}
        booster = xgboost.train(
            FIXED | choice, train, ROUNDS, evals=[(validation, "v")], evals_result=curve, verbose_eval=False
        )
        rounds = int(np.argmin(curve["v"]["logloss"])) + 1
        p = booster.predict(validation, iteration_range=(0, rounds))
        tried.append((log_loss(vy, p), roc_auc_score(vy, p), "xgboost", choice | {"num_round": rounds}))
    for kind in ("logistic", "xgboost"):
        for loss, auc, _, choice in sorted((t for t in tried if t[2] == kind), key=lambda t: t[0])[: args.top]:
            print(f"{kind:9} log loss {loss:.5f}  auc {auc:.4f}  {choice}")


if __name__ == "__main__":
    main()
