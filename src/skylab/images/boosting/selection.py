"""SAGEMAKER_INFERENCE_OUTPUT: the image's selectable answers, such as predicted_label,probabilities."""

import json
from typing import Any

import numpy

REGRESSIONS = ("reg:squarederror", "reg:logistic", "reg:gamma", "reg:absoluteerror", "reg:tweedie")
LABELLED = ("predicted_label", "labels", "raw_score", "raw_scores")
EVERY = (*LABELLED, "probability", "probabilities")
KEYS = dict.fromkeys(REGRESSIONS, ("predicted_score",)) | {
    "binary:logistic": EVERY,
    "binary:logitraw": LABELLED,
    "binary:hinge": LABELLED,
    "multi:softmax": LABELLED,
    "multi:softprob": EVERY,
}


def written(scores: Any, keys: list[str], objective: str, classes: int, accept: str, batch: bool) -> bytes:
    """Raises ValueError for an objective that has no selectable answers; a key it lacks is nan, as in the image."""
    if objective not in KEYS:
        raise ValueError(f"Objective `{objective}` unsupported for selectable inference predictions.")
    answers = [
        {key: _value(key, score, objective, classes) if key in KEYS[objective] else float("nan") for key in keys}
        for score in scores
    ]
    if accept == "application/json":
        return json.dumps({"predictions": answers}).encode()
    if accept == "application/jsonlines":
        return "".join(json.dumps(answer) + "\n" for answer in answers).encode()
    lines = "\n".join(",".join(_cell(answer[key]) for key in keys) for answer in answers)
    return (lines + "\n" if batch else lines).encode()


def _cell(value: Any) -> str:
    return f'"{value}"' if isinstance(value, list) else str(value)


def _value(key: str, score: Any, objective: str, classes: int) -> Any:
    many = objective == "multi:softprob"
    if key == "predicted_label":
        return _label(score, objective)
    if key == "labels":
        return list(range(classes)) if objective.startswith("multi:") else [0, 1]
    if key in ("probability", "raw_score"):
        return (max(score) if many else score).item()
    if key in ("probabilities", "raw_scores"):
        return score.tolist() if many else [1.0 - score.item(), score.item()]
    return score.item()


def _label(score: Any, objective: str) -> Any:
    if objective == "multi:softprob":
        return int(numpy.argmax(score))
    if objective == "binary:logistic":
        return int(score > 0.5)
    return int(score > 0) if objective == "binary:logitraw" else score.item()
