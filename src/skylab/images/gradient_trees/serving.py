"""LightGBM's answers, as JumpStart's: probabilities or prediction; with application/json;verbose the labels too.

https://docs.aws.amazon.com/sagemaker/latest/dg/lightgbm.html
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy

from skylab.images.algorithms import channels
from skylab.images.environment import cpus
from skylab.images.failures import JobFailed
from skylab.images.gradient_trees.training import LABELS, MODEL
from skylab.images.predicting import Answer, Refused, Request

JSON, CSV = "application/json", "text/csv"
LIMIT = 6  # MB
QUICK = 4096  # bytes of payload


def load(folder: Path) -> "Trees":
    import lightgbm

    try:
        booster = lightgbm.Booster(model_file=str(folder / MODEL))
        labels = json.loads((folder / LABELS).read_bytes())
    except (OSError, ValueError, lightgbm.basic.LightGBMError) as error:
        raise JobFailed(f"There is no model in {folder}: {error}") from error
    return Trees(booster, labels)


class Trees:
    """labels: None for a regression."""

    def __init__(self, booster: Any, labels: list[float] | None) -> None:
        self.booster, self.labels, self.width = booster, labels, booster.num_feature()

    def quick(self, request: Request) -> bool:
        return len(request.body) <= QUICK

    def execution_parameters(self) -> dict[str, object] | None:
        return {"MaxConcurrentTransforms": cpus(), "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": LIMIT}

    def predict(self, request: Request) -> Answer:
        asked = request.accept or os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or JSON
        accept, _, options = asked.partition(";")
        if accept.strip().lower() not in (JSON, CSV):
            raise Refused(406, f"Accept {accept} is not supported: it should be {JSON}, {JSON};verbose or {CSV}.")
        found = self.booster.predict(self._rows(request), num_threads=1)
        if self.labels is not None and found.ndim == 1:
            found = numpy.column_stack([1 - found, found])
        if accept.strip().lower() == CSV:
            lines = (",".join(map(repr, row)) for row in numpy.atleast_2d(found.T).T.tolist())
            return Answer("".join(line + "\n" for line in lines).encode(), CSV)
        return Answer(json.dumps(self._answer(found, "verbose" in options)).encode(), JSON)

    def _rows(self, request: Request) -> Any:
        if request.content_type.partition(";")[0].strip().lower() != CSV:
            raise Refused(415, f"Content type {request.content_type} is not supported: it should be {CSV}.")
        try:
            rows = channels.csv(request.body, "float64")
        except (ValueError, IndexError) as error:
            raise Refused(400, f"The payload is not csv of numbers: {error}") from error
        if rows.shape[1] != self.width:
            raise Refused(400, f"The payload has {rows.shape[1]} features, and the model {self.width}.")
        return rows

    def _answer(self, found: Any, verbose: bool) -> dict[str, Any]:
        if self.labels is None:
            return {"prediction": found.tolist()}
        answer: dict[str, Any] = {"probabilities": found.tolist()}
        if verbose:
            answer |= {"labels": self.labels, "predicted_label": [self.labels[n] for n in found.argmax(axis=1)]}
        return answer
