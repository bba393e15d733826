"""Serve the logistic regression: rows of CSV in, one probability per row out, as the built-in XGBoost answers them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np


def model_fn(model_dir: str) -> dict[str, Any]:
    """Read the numbers that train.py wrote."""
    return json.loads((Path(model_dir) / "model.json").read_text())


def input_fn(body: str | bytes, content_type: str) -> np.ndarray:
    """CSV without label or header. ValueError for anything else."""
    if content_type.split(";")[0].strip() != "text/csv":
        raise ValueError(f"{content_type} is not supported: send text/csv")
    text = body.decode() if isinstance(body, bytes) else body
    return np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)


def design(x: np.ndarray, hinges: list) -> np.ndarray:
    """The columns, and max(0, x - knot) for each hinge."""
    return np.column_stack([x, *(np.maximum(x[:, column] - knot, 0) for column, knot in hinges)])


def predict_fn(x: np.ndarray, model: dict[str, Any]) -> np.ndarray:
    """The probability of each row."""
    if x.shape[1] != model["columns"]:
        raise ValueError(f"a row has {x.shape[1]} values, the model was trained on {model['columns']}")
    z = (design(x, model["hinges"]) - model["centre"]) / model["scale"]
    return 1 / (1 + np.exp(-(z @ model["coefficients"] + model["intercept"])))


def output_fn(scores: np.ndarray, accept: str) -> tuple[str, str]:
    """One score per line, or JSON when asked for it."""
    if accept == "application/json":
        return json.dumps({"predictions": [{"score": float(score)} for score in scores]}), accept
    return "\n".join(f"{score:.10g}" for score in scores), "text/csv"
