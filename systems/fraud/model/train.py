"""Train the calibrated stacker, and put the whole ensemble into one ONNX graph.

    python model/train.py --stack FOLDER --train FOLDER --xgboost FOLDER --lightgbm FOLDER --forest FOLDER \\
        --earlier-xgboost FOLDER --earlier-lightgbm FOLDER --earlier-forest FOLDER --model-dir work/ensemble

    xgboost, lightgbm,   model.tar.gz of the built-in images, trained on the training week; they will serve
    forest
    earlier_xgboost, ..  the same three, trained two weeks before
    stack     label, fifteen features, score of the earlier random cut forest: the training week, as the earlier models
              met it, seven days of delay after their own week and without blocked cards
    train     fifteen features, score of the random cut forest of now: the training week again

A stacker that is fitted to what models say of their own training rows trusts them too much. So it learns from the
earlier models how much to trust each member a delay after training, and is then put over the models of now. It is a
logistic regression on three log-odds and an anomaly score, and its probability is calibrated because it is fitted by
log loss on transactions in their natural proportion. No weight is below 0: the members say much the same, and what one
of them adds should not be got by turning another around. The random cut forest itself is replaced by
boosted trees that imitate its score, which ONNX can hold.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import compress
import lightgbm
import numpy as np
from members import MEMBERS, MODEL, TREES, Members
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

C = 1.0  # inverse strength of the ridge penalty on the standardised members
IMITATION = {"objective": "regression", "num_leaves": 63, "learning_rate": 0.1, "verbosity": -1, "seed": 0}
IMITATION |= {"deterministic": True, "force_row_wise": True, "num_threads": 1}
ROUNDS = 100  # of the imitation


def read(folder: Path) -> np.ndarray:
    """All CSV files of a channel."""
    files = sorted(folder.glob("*.csv")) if folder.is_dir() else [folder]
    return np.vstack([np.loadtxt(file, delimiter=",", ndmin=2) for file in files])


def fit(read_by: np.ndarray, y: np.ndarray, c: float = C) -> dict[str, Any]:
    """The stacker as plain numbers: scikit-learn's logistic regression, but with no weight below 0."""
    centre, scale = read_by.mean(axis=0), read_by.std(axis=0)
    scale[scale == 0] = 1.0
    z, many = (read_by - centre) / scale, read_by.shape[1]

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        logit, weights = z @ w[:many] + w[many], w[:many]
        error = expit(logit) - y
        value = np.logaddexp(0, logit).sum() - (y * logit).sum() + (weights**2).sum() / (2 * c)
        return float(value), np.append(z.T @ error + weights / c, error.sum())

    begin = np.append(np.zeros(many), np.log(y.mean() / (1 - y.mean())))
    bounds = [(0, None)] * many + [(None, None)]
    w = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000}).x
    return {
        "members": MEMBERS,
        "centre": centre.tolist(),
        "scale": scale.tolist(),
        "coefficients": w[:many].tolist(),
        "intercept": float(w[many]),
    }


def probability(stacker: dict[str, Any], read_by: np.ndarray) -> np.ndarray:
    z = (read_by - stacker["centre"]) / stacker["scale"]
    return 1 / (1 + np.exp(-(z @ np.array(stacker["coefficients"]) + stacker["intercept"])))


def artefacts(args: argparse.Namespace, prefix: str) -> Members:
    """One generation's models, from its channels."""
    return Members.read({kind: getattr(args, prefix + kind) / MODEL for kind in TREES})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", "--c", type=float, default=C)  # the job passes one letter as -c
    for channel in ("stack", "train", *TREES, *(f"earlier_{kind}" for kind in TREES)):
        given = os.environ.get(f"SM_CHANNEL_{channel.upper()}")
        parser.add_argument(f"--{channel.replace('_', '-')}", type=Path, default=given, required=given is None)
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR", "work/ensemble"))
    args = parser.parse_args()

    stack, train = read(args.stack), read(args.train)
    y, x, anomaly = stack[:, 0], stack[:, 1:-1], stack[:, -1]
    seen = artefacts(args, "earlier_").all(x, anomaly)
    stacker = fit(seen, y, args.c)
    chance = probability(stacker, seen)
    print(f"stack-auc:{roc_auc_score(y, chance):.5f} stack-ap:{average_precision_score(y, chance):.5f} "
          f"stack-logloss:{log_loss(y, chance):.5f}")  # fmt: skip

    known = train[:, :-1].astype(np.float32)
    imitation = lightgbm.train(IMITATION, lightgbm.Dataset(known, train[:, -1]), ROUNDS)
    fits = np.corrcoef(imitation.predict(known), train[:, -1])[0, 1]
    print(f"imitation-correlation:{fits:.5f}")

    args.model_dir.mkdir(parents=True, exist_ok=True)
    whole = compress.graph(artefacts(args, ""), imitation, stacker)
    (args.model_dir / "ensemble.onnx").write_bytes(whole.SerializeToString())
    (args.model_dir / "stacker.json").write_text(json.dumps(stacker, indent=1))
    code = args.model_dir / "code"  # what serves the model travels with it
    code.mkdir(exist_ok=True)
    for name, copied in {"inference.py": "inference.py", "serving.txt": "requirements.txt"}.items():
        shutil.copy(Path(__file__).with_name(name), code / copied)


if __name__ == "__main__":
    main()
