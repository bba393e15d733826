"""The built-in XGBoost's answers, as the image writes them."""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy
import xgboost

from skylab.images.boosting import models, payload, selection
from skylab.images.boosting.scoring import Scorer
from skylab.images.environment import cpus
from skylab.images.failures import JobFailed
from skylab.images.predicting import CUSTOM_ATTRIBUTES, Answer, Refused, Request

QUICK = 4096  # bytes of payload: some tens of rows, well under a millisecond
ACCEPTED = ("application/json", "application/jsonlines", "text/csv")
LIMIT = 6 * 2**20


class Boosted:
    """One model, or the models of the folds, whose predictions are averaged (classes by vote).

    Raises JobFailed where there is no model.
    """

    def __init__(self, folder: Path) -> None:
        found = models.files(folder)
        if not found:
            raise JobFailed(f"There is no model in {folder}: the archive should hold xgboost-model.")
        together = os.environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") == "true"
        boosters = [models.load(path) for path in (found if together else found[:1])]
        self.scorers = [Scorer(booster) for booster in boosters]
        learner = json.loads(boosters[0].save_config())["learner"]
        self.objective = learner["objective"]["name"]
        self.classes = int(learner["learner_model_param"].get("num_class", 0))
        self.width = boosters[0].num_features()
        self.selected = os.environ.get("SAGEMAKER_INFERENCE_OUTPUT", "").replace(" ", "").lower()
        self.batch = bool(os.environ.get("SAGEMAKER_BATCH"))
        self.accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "text/csv"

    def quick(self, request: Request) -> bool:
        return len(request.body) <= QUICK

    def execution_parameters(self) -> dict[str, object] | None:
        return {"MaxConcurrentTransforms": cpus(), "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": LIMIT // 2**20}

    def predict(self, request: Request) -> Answer:
        if not request.body:
            return Answer(b"", status=204)
        rows = payload.rows(request.body, request.content_type)
        self._check(rows)
        try:
            scores = self._scores(rows)
        except xgboost.core.XGBoostError as error:
            raise Refused(400, f"Unable to evaluate payload provided: {error}") from error
        accept = request.accept.partition(";")[0].strip().lower() or self.accept
        if accept not in ACCEPTED:
            raise Refused(406, f"Accept type {accept} is not supported. Please use supported accept types: {ACCEPTED}.")
        headers = {name: value for name, value in request.headers.items() if name == CUSTOM_ATTRIBUTES}
        return Answer(self._written(scores, accept), accept, headers=headers)

    def _check(self, rows: Any) -> None:
        """csv must have a cell for each feature; the last features of libsvm may be absent everywhere."""
        wide = rows.shape[1]
        sparse = not isinstance(rows, numpy.ndarray)
        if wide > self.width or (not sparse and wide < self.width - 1):
            kind = "libsvm" if sparse else "csv"
            raise Refused(
                400,
                f"Unable to evaluate payload provided: Feature size of {kind} inference data {wide} is not consistent "
                f"with feature size of trained model {self.width}.",
            )

    def _scores(self, rows: Any) -> Any:
        each = [score(rows) for score in self.scorers]
        if len(each) == 1:
            return each[0]
        if self.objective in ("multi:softmax", "binary:hinge"):
            votes = numpy.stack(each).astype(int)
            return numpy.array([numpy.bincount(column).argmax() for column in votes.T], dtype=numpy.float32)
        return numpy.mean(each, axis=0)

    def _written(self, scores: Any, accept: str) -> bytes:
        if self.selected:
            return selection.written(scores, self.selected.split(","), self.objective, self.classes, accept, self.batch)
        listed = scores.tolist()
        if self.batch:
            return ("\n".join(map(str, listed)) + "\n").encode()
        if accept == "application/json":
            return json.dumps({"predictions": [{"score": score} for score in listed]}).encode()
        if accept == "application/jsonlines":
            return "".join(json.dumps({"score": score}) + "\n" for score in listed).encode()
        return _csv(listed)


def _csv(listed: list[Any]) -> bytes:
    """A line per row; the scores of several classes with commas between them."""
    out = io.StringIO()
    for score in listed:
        out.write(",".join(map(str, score)) if isinstance(score, list) else str(score))
        out.write("\n")
    return out.getvalue().encode()
