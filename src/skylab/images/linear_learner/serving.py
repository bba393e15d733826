"""The linear learner's answers: score and predicted_label.

https://docs.aws.amazon.com/sagemaker/latest/dg/LL-in-formats.html
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy

from skylab.images.algorithms.serving import MODEL, Record, Served
from skylab.images.failures import JobFailed
from skylab.images.linear_learner import artefact
from skylab.images.linear_learner.artefact import Linear
from skylab.images.linear_learner.hyperparameters import BINARY, MULTICLASS
from skylab.images.linear_learner.losses import sigmoid, softmax


def load(folder: Path) -> Served:
    try:
        return Served(Scores(artefact.load(folder / MODEL)))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise JobFailed(f"There is no model in {folder}: {MODEL} cannot be read: {error}") from error


class Scores:
    key, quick = "predictions", True

    def __init__(self, model: Linear) -> None:
        self.model, self.width = model, int(model.weights.shape[0])

    def records(self, rows: Any, verbose: bool) -> list[Record]:
        raw = rows @ self.model.weights + self.model.bias
        if self.model.predictor_type == MULTICLASS:
            shares = softmax(raw)
            labels = shares.argmax(axis=1).tolist()
            return [{"score": s, "predicted_label": n} for s, n in zip(shares.tolist(), labels, strict=True)]
        scores = raw[:, 0]
        if self.model.predictor_type != BINARY:
            return [{"score": score} for score in scores.tolist()]
        scores = sigmoid(scores) if self.model.loss == "logistic" else scores
        labels = numpy.where(scores >= self.model.threshold, 1, 0).tolist()
        return [{"score": s, "predicted_label": n} for s, n in zip(scores.tolist(), labels, strict=True)]
