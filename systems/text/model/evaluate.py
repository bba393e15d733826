"""Judge floor and encoder on test texts that neither has seen: accuracy, F1, calibration, and "other".

    python model/evaluate.py --test work/aws/test --linear work/linear --encoder work/encoder

Intervals resample the texts (each is one operation) within each class, as the test part was drawn: macro F1 would sink
in resamples that miss some of a class. The calibration error has none: resampling adds noise, of which the error is
made. The encoder is judged as it came out of training, in 8 bits, and as it serves, with TF-IDF beside it; the
difference of what serves to the floor is of the same resamples, in pairs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import inference
import linear
import numpy as np
from calibrate import NONE, answers, calibration_error, macro_f1
from examples import OTHER, Examples, read
from intervals import edges, resamples
from scipy.special import softmax
from scipy.stats import rankdata

DRAWS = 500
GATE = "macro F1"  # what decides: a class counts the same, and so does "other", however many texts each has
ERROR = "calibration error"
METRICS = ("accuracy", "accuracy of classes", "macro F1", "recall of other", "AUC of other", ERROR)


def floor(folder: Path, texts: list[str]) -> tuple[np.ndarray, float, list[str]]:
    """Probabilities, threshold and classes of the linear model."""
    model = linear.load(folder)
    return softmax(linear.scores(model, texts) / model["temperature"], axis=1), model["threshold"], model["classes"]


def encoder(folder: Path, texts: list[str], kind: str) -> tuple[np.ndarray, float, list[str]]:
    """The same of the encoder. kind: int8, full or both."""
    model = inference.load(folder, kind)
    return inference.probabilities(texts, model), model.threshold, model.classes


def auc(sure: np.ndarray, known: np.ndarray) -> float:
    """How likely a text that has a class gets a higher best probability than one that has none."""
    many = int(known.sum()), int((~known).sum())
    return float((rankdata(sure)[known].sum() - many[0] * (many[0] + 1) / 2) / (many[0] * many[1]))


def metrics(found: np.ndarray, threshold: float, labels: np.ndarray) -> dict[str, float]:
    """Every metric that applies. accuracy: with the threshold, "other" is a class; accuracy of classes: without."""
    said, known = answers(found, threshold), labels != NONE
    values = {
        "accuracy": float((said == labels).mean()),
        "accuracy of classes": float((found.argmax(1)[known] == labels[known]).mean()),
        "macro F1": macro_f1(said, labels),
        ERROR: calibration_error(found[known], labels[known]),
    }
    if not known.all():
        values |= {"recall of other": float((said[~known] == NONE).mean()), "AUC of other": auc(found.max(1), known)}
    return {name: values[name] for name in METRICS if name in values}


def judge(found: dict[str, tuple[np.ndarray, float, list[str]]], test: Examples) -> dict[str, Any]:
    """Metrics of every model with intervals, and the difference of the last one to the first."""
    models: dict[str, Any] = {}
    drawn_f1 = {}
    drawn = list(resamples(len(test.texts), DRAWS, test.labels))
    for name, (probabilities, threshold, classes) in found.items():
        labels = test.numbers(classes)
        again = [metrics(probabilities[rows], threshold, labels[rows]) for rows in drawn]
        models[name] = {
            metric: {"value": value}
            | ({} if metric == ERROR else {"interval": edges([each[metric] for each in again])})
            for metric, value in metrics(probabilities, threshold, labels).items()
        }
        drawn_f1[name] = np.array([each[GATE] for each in again])
    first, *_, last = found
    low, high = edges(drawn_f1[last] - drawn_f1[first])
    difference = {
        "of": f"{GATE}, {last} - {first}",
        "value": models[last][GATE]["value"] - models[first][GATE]["value"],
        "interval": [low, high],
        "verdict": "beyond noise" if low > 0 or high < 0 else "within noise",
    }
    none = sum(label == OTHER for label in test.labels)
    return {"texts": len(test.texts), "other": none, "models": models, "difference": difference}


def compare(test: Examples, linear_folder: Path, encoder_folder: Path) -> dict[str, Any]:
    """The floor, the encoder in full and in 8 bits, and both together, as they serve."""
    return judge(
        {
            "floor": floor(linear_folder, test.texts),
            "encoder": encoder(encoder_folder, test.texts, "full"),
            "encoder int8": encoder(encoder_folder, test.texts, "int8"),
            "both": encoder(encoder_folder, test.texts, "both"),
        },
        test,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--linear", type=Path, default="work/linear")
    parser.add_argument("--encoder", type=Path, default="work/encoder")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = compare(read(args.test), args.linear, args.encoder)
    if args.json:
        return print(json.dumps(found, allow_nan=False))
    for name, each in found["models"].items():
        for metric, fact in each.items():
            within = " ({:.4f} to {:.4f})".format(*fact["interval"]) if "interval" in fact else ""
            print(f"{name:13} {metric:20} {fact['value']:.4f}{within}")
    print("{of}: {value:+.4f} ({interval[0]:+.4f} to {interval[1]:+.4f}); {verdict}".format(**found["difference"]))


if __name__ == "__main__":
    main()
