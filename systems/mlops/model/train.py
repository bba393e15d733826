"""Train a logistic regression on piecewise-linear features; the model is a page of JSON that outlives library versions.

    python model/train.py --train work/randhie/train --validation work/randhie/validation --model-dir work/logistic

In a SageMaker job the channels, the model folder and the hyperparameters arrive by themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import numpy as np
from inference import design, predict_fn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

C = 1.0  # inverse strength of the ridge penalty on the standardised features
KNOTS = 4  # hinges max(0, x - knot) per continuous column, at its inner quantiles; 0: a plain linear model
DISTINCT = 10  # a column with more values than this is continuous


def read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All CSV files of a channel: label first, no header."""
    files = sorted(folder.glob("*.csv")) if folder.is_dir() else [folder]
    table = np.vstack([np.loadtxt(file, delimiter=",", ndmin=2) for file in files])
    return table[:, 1:], table[:, 0]


def fit(x: np.ndarray, y: np.ndarray, c: float = C, knots: int = KNOTS) -> dict:
    """Return the model as plain numbers: hinges, centre, scale, coefficients, intercept."""
    hinges = []
    for column in range(x.shape[1]):
        if knots and len(np.unique(x[:, column])) > DISTINCT:
            places = np.unique(np.quantile(x[:, column], np.linspace(0, 1, knots + 2)[1:-1]))
            hinges += [[column, float(place)] for place in places]
    wide = design(x, hinges)
    centre, scale = wide.mean(axis=0), wide.std(axis=0)
    scale[scale == 0] = 1.0
    fitted = LogisticRegression(C=c, max_iter=2000).fit((wide - centre) / scale, y)
    return {
        "columns": int(x.shape[1]),
        "hinges": hinges,
        "centre": centre.tolist(),
        "scale": scale.tolist(),
        "coefficients": fitted.coef_[0].tolist(),
        "intercept": float(fitted.intercept_[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", "--c", type=float, default=C)  # the job passes one letter as -c
    parser.add_argument("--knots", type=int, default=KNOTS)
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", type=Path, default=os.environ.get("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR", "work/logistic"))
    args = parser.parse_args()
    if args.train is None:
        parser.error("--train is needed outside a training job")

    x, y = read(args.train)
    print(f"training on {len(y)} rows, {x.shape[1]} columns, {y.mean():.1%} positive; c={args.c} knots={args.knots}")
    model = fit(x, y, args.c, args.knots)
    for name, part in {"train": args.train, "validation": args.validation}.items():
        if part is not None:
            px, py = read(part)
            score = predict_fn(px, model)
            print(f"{name}-auc:{roc_auc_score(py, score):.5f} {name}-ap:{average_precision_score(py, score):.5f}")

    code = args.model_dir / "code"  # what serves the model travels with it
    code.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("inference.py"), code)
    (args.model_dir / "model.json").write_text(json.dumps(model))


if __name__ == "__main__":
    main()
