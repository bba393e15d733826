"""DeepAR's answers: forecasts of the series of a request, or of the lines of a batch transform.

https://docs.aws.amazon.com/sagemaker/latest/dg/deepar-in-formats.html
"""

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from skylab.images.algorithms.serving import MODEL
from skylab.images.deepar.series import Form
from skylab.images.environment import cpus
from skylab.images.failures import JobFailed
from skylab.images.predicting import Answer, Refused, Request

JSON, JSONLINES = "application/json", "application/jsonlines"
TYPES = ("mean", "quantiles", "samples")
MOST = 1000  # samples
LIMIT = 6  # MB


@dataclass(frozen=True)
class Wish:
    """The configuration of a request, or of DEEPAR_INFERENCE_CONFIG."""

    samples: int = 100
    types: tuple[str, ...] = ("mean", "quantiles")
    quantiles: tuple[str, ...] = ("0.1", "0.5", "0.9")


def wish(given: Any) -> Wish:
    """Raises ValueError."""
    samples = int(given.get("num_samples", Wish.samples))
    types = tuple(given.get("output_types", Wish.types))
    quantiles = tuple(str(each) for each in given.get("quantiles", Wish.quantiles))
    if not 1 <= samples <= MOST:
        raise ValueError(f"num_samples should be from 1 to {MOST}")
    if not set(types) <= set(TYPES):
        raise ValueError(f"output_types should be of {list(TYPES)}")
    if not all(0 < float(each) < 1 for each in quantiles):
        raise ValueError("quantiles should be between 0 and 1")
    return Wish(samples, types, quantiles)


def load(folder: Path) -> "Forecaster":
    import torch

    from skylab.images.deepar import network

    torch.set_num_threads(1)
    try:
        return Forecaster(*network.load(folder / MODEL))
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise JobFailed(f"There is no model in {folder}: {MODEL} cannot be read: {error}") from error


class Forecaster:
    def __init__(self, predictor: Any, values: dict[str, Any], form: Form) -> None:
        self.predictor, self.form, self.steps = predictor, form, values["prediction_length"]
        self.batch = json.loads(os.environ.get("DEEPAR_INFERENCE_CONFIG") or "{}")

    def quick(self, request: Request) -> bool:
        return False

    def execution_parameters(self) -> dict[str, object] | None:
        return {"MaxConcurrentTransforms": cpus(), "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": LIMIT}

    def predict(self, request: Request) -> Answer:
        kind = request.content_type.partition(";")[0].strip().lower()
        lines = kind == JSONLINES or bool(os.environ.get("SAGEMAKER_BATCH"))
        if kind not in ("", JSON, JSONLINES):
            raise Refused(415, f"Unsupported content-type {kind}: it should be {JSON} or {JSONLINES}.")
        if request.accept.partition(";")[0].strip().lower() not in ("", JSON, JSONLINES):
            raise Refused(406, f"Unsupported accept {request.accept}: it should be {JSON} or {JSONLINES}.")
        try:
            wanted, instances = self._read(request.body, lines)
            series = [self.form.series(each, self.steps) for each in instances]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Refused(400, f"unable to evaluate payload provided: {error}") from error
        found = self._forecasts(series, wanted)
        if lines:
            return Answer("".join(json.dumps(each) + "\n" for each in found).encode(), JSONLINES)
        return Answer(json.dumps({"predictions": found}).encode(), JSON)

    def _read(self, body: bytes, lines: bool) -> tuple[Wish, list[Any]]:
        if lines:
            return wish(self.batch), [json.loads(line) for line in body.splitlines() if line.strip()]
        asked = json.loads(body)
        return wish(asked.get("configuration", {})), asked["instances"]

    def _forecasts(self, series: list[Any], wanted: Wish) -> list[dict[str, Any]]:
        from skylab.images.deepar import forecasts

        if not series:
            return []
        return [_said(each, wanted) for each in forecasts.samples(self.predictor, series, wanted.samples)]


def _said(drawn: Any, wanted: Wish) -> dict[str, Any]:
    """drawn: samples x steps"""
    found: dict[str, Any] = {}
    if "mean" in wanted.types:
        found["mean"] = drawn.mean(axis=0).tolist()
    if "quantiles" in wanted.types:
        found["quantiles"] = {q: numpy.quantile(drawn, float(q), axis=0).tolist() for q in wanted.quantiles}
    if "samples" in wanted.types:
        found["samples"] = drawn.tolist()
    return found
