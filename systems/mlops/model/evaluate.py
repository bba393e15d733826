"""Judge models on people none of them has seen, and say whether a candidate may be registered.

    python model/evaluate.py --test work/randhie/test --model logistic=work/logistic --model xgboost=work/xgboost

The first model named is the floor. The candidate (without --candidate the last one named) passes unless it is worse,
beyond noise, than the floor or than the approved version (--approved, a folder with its model.tar.gz), or no better
than chance.

Rows of one person are not independent, so intervals come from resampling people, not rows (DeLong's would be too
narrow); both models are scored on the same resampled people, so the interval of the difference is a paired one.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from inference import model_fn, predict_fn
from scipy.stats import rankdata

DRAWS = 500  # bootstrap resamples of the people
STEPS = 25  # of Newton's method, at most; mostly 5 or 6
BINS = 10  # of equal size, for the calibration error
SEED = 7
LEVEL = 95  # per cent, of the intervals
APPROVED = "approved"


def scores(model: Path, x: np.ndarray) -> np.ndarray:
    """Predict with a model folder or model.tar.gz, of the built-in XGBoost or of train.py."""
    if model.is_file():
        with tempfile.TemporaryDirectory() as folder, tarfile.open(model) as archive:
            archive.extractall(folder, filter="data")
            return scores(Path(folder), x)
    if (model / "xgboost-model").exists():
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(bytearray((model / "xgboost-model").read_bytes()))  # by content: the name has no suffix
        return booster.predict(xgboost.DMatrix(x))
    return predict_fn(x, model_fn(str(model)))


def auc(y: np.ndarray, p: np.ndarray) -> float:
    """The area under the ROC curve: how often a positive is scored above a negative, a tie being half."""
    positive = y == 1
    pairs = positive.sum() * (len(y) - positive.sum())
    below = positive.sum() * (positive.sum() + 1) / 2
    return float((rankdata(p)[positive].sum() - below) / pairs)


def average_precision(y: np.ndarray, p: np.ndarray) -> float:
    """The mean precision over the recall gained at each distinct score, highest first."""
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(y[order])
    last = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))  # of each score's rows
    gained = np.diff(hits[last], prepend=0)
    return float((hits[last] / (last + 1) * gained).sum() / hits[-1])


def brier(y: np.ndarray, p: np.ndarray) -> float:
    """The mean squared distance of probability and outcome."""
    return float(((p - y) ** 2).mean())


def calibration_error(y: np.ndarray, p: np.ndarray) -> float:
    """Expected calibration error: the mean distance of predicted and observed rate over bins of equal size."""
    bins = np.array_split(np.argsort(p, kind="stable"), BINS)
    return float(sum(len(rows) * abs(y[rows].mean() - p[rows].mean()) for rows in bins) / len(y))


def calibration_slope(y: np.ndarray, p: np.ndarray) -> float:
    """1: right; below 1: too extreme, as an overfitted model is; above 1: too timid (Cox, 1958).

    The slope of a logistic regression of the outcome on the logit, by Newton's method.
    """
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    design = np.column_stack([np.ones(len(y)), np.log(clipped / (1 - clipped))])
    found = np.zeros(2)  # from here Newton's steps converge
    for _ in range(STEPS):
        fitted = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        curvature = (design * (fitted * (1 - fitted))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (y - fitted))
        found = found + step
        if np.abs(step).max() < 1e-7:
            break
    return float(found[1])


METRICS = {
    "auc": auc,
    "average precision": average_precision,
    "brier": brier,
    "calibration error": calibration_error,
    "calibration slope": calibration_slope,
}


def resamples(people: np.ndarray, draws: int, seed: int) -> list[np.ndarray]:
    """Rows of as many people as there are, drawn with replacement; one array per draw."""
    order = np.argsort(people, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(people[order])) + 1)
    random = np.random.default_rng(seed)
    return [np.concatenate([rows[i] for i in random.integers(0, len(rows), len(rows))]) for _ in range(draws)]


def interval(values: list[float]) -> list[float]:
    """The middle LEVEL per cent."""
    return np.percentile(values, [50 - LEVEL / 2, 50 + LEVEL / 2]).round(6).tolist()


def evaluate(y: np.ndarray, people: np.ndarray, predicted: dict[str, np.ndarray], draws: int = DRAWS) -> dict:
    """Every metric of every model with its interval, and the paired difference in AUC of each to the first."""
    drawn = resamples(people, draws, SEED)
    report: dict = {"rows": len(y), "people": len(np.unique(people)), "positive": float(y.mean()), "models": {}}
    aucs = {}
    for name, p in predicted.items():
        found = {}
        for metric, function in METRICS.items():
            values = [float(function(y[rows], p[rows])) for rows in drawn]
            found[metric] = {"value": float(function(y, p)), "interval": interval(values)}
            if metric == "auc":
                aucs[name] = values
        report["models"][name] = found
    first = next(iter(predicted))
    report["differences"] = {name: difference(report, aucs, first, name) for name in predicted if name != first}
    if APPROVED in predicted:
        report["against approved"] = {
            name: difference(report, aucs, APPROVED, name) for name in predicted if name != APPROVED
        }
    return report


def difference(report: dict, aucs: dict[str, list[float]], simple: str, other: str) -> dict:
    """Compare two by AUC on the same resampled people."""
    low, high = interval([b - a for a, b in zip(aucs[simple], aucs[other], strict=True)])
    value = report["models"][other]["auc"]["value"] - report["models"][simple]["auc"]["value"]
    better = other if low > 0 else simple
    within = low <= 0 <= high
    verdict = "the difference is within noise" if within else f"{better} is better, beyond noise"
    name = f"auc {other} - {simple}"
    return {"of": name, "value": value, "interval": [low, high], "verdict": verdict}


def gate(report: dict, candidate: str) -> dict:
    """Whether the candidate may be registered: pass or fail, and a sentence that says why."""
    auc = report["models"][candidate]["auc"]
    problems = [] if auc["interval"][0] > 0.5 else [f"no better than chance (AUC {auc['value']:.3f})"]
    floor = report["differences"].get(candidate)
    approved = report.get("against approved", {}).get(candidate)
    for than, found in {"the floor": floor, "the approved version": approved}.items():
        if found and found["interval"][1] < 0:
            low, high = found["interval"]
            problems.append(f"worse than {than} by {-found['value']:.3f} AUC (95 %: {-high:.3f} to {-low:.3f})")
    words = f"{candidate} is {' and '.join(problems)}" if problems else f"{candidate} is not worse"
    return {"verdict": "fail" if problems else "pass", "reason": words}


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label, person and covariates of all files of a folder: person first, then the label."""
    table = np.vstack([np.loadtxt(path, delimiter=",", ndmin=2) for path in sorted(folder.glob("*.csv"))])
    return table[:, 1], table[:, 0].astype(int), table[:, 2:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", type=Path, required=True, help="folder of files: person, label, covariates")
    parser.add_argument("--model", action="append", required=True, metavar="NAME=PATH", help="the floor first")
    parser.add_argument("--approved", type=Path, help="folder of the approved version's model.tar.gz; empty: none yet")
    parser.add_argument("--candidate", help="the model that is to be registered")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--out", type=Path, help="write evaluation.json here")
    args = parser.parse_args()

    y, people, x = read(args.test)
    models = {name: Path(path) for name, path in (model.split("=", 1) for model in args.model)}
    candidate = args.candidate or list(models)[-1]
    if args.approved and (args.approved / "model.tar.gz").exists():
        models[APPROVED] = args.approved / "model.tar.gz"
    report = evaluate(y, people, {name: scores(path, x) for name, path in models.items()}, args.draws)
    report["candidate"] = candidate
    report["gate"] = gate(report, candidate)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(report, indent=1))
    for name, found in report["models"].items():
        for metric, fact in found.items():
            print(f"{name:10} {metric:18} {fact['value']:.4f}  [{fact['interval'][0]:.4f}, {fact['interval'][1]:.4f}]")
    for found in report["differences"].values():
        print(f"{found['of']}: {found['value']:+.4f} {found['interval']}: {found['verdict']}")
    print(f"{report['gate']['verdict']}: {report['gate']['reason']}")


if __name__ == "__main__":
    main()
