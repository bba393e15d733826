"""Serve the ensemble: rows of fifteen features as CSV in, one probability per row out, as the built-in XGBoost answers.

The whole ensemble is one ONNX graph that ONNX Runtime runs; nothing of the libraries that trained it is needed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


def model_fn(model_dir: str) -> Any:
    """One thread: a request is a row or a few, and replicas share the machine's cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(Path(model_dir) / "ensemble.onnx"), options, providers=["CPUExecutionProvider"]
    )


def input_fn(body: str | bytes, content_type: str) -> np.ndarray:
    """CSV without label or header. ValueError for anything else."""
    if content_type.split(";")[0].strip() != "text/csv":
        raise ValueError(f"{content_type} is not supported: send text/csv")
    text = body.decode() if isinstance(body, bytes) else body
    return np.array([line.split(",") for line in text.split("\n") if line.strip()], dtype=np.float32)


def predict_fn(x: np.ndarray, model: Any) -> np.ndarray:
    """The probability of each row."""
    wanted = model.get_inputs()[0].shape[1]
    if x.ndim != 2 or x.shape[1] != wanted:
        raise ValueError(f"a row has {x.shape[-1]} values, the model was trained on {wanted}")
    return model.run(None, {"x": x})[0][:, 0]


def output_fn(scores: np.ndarray, accept: str) -> tuple[str, str]:
    """One score per line, or JSON when asked for it."""
    if accept == "application/json":
        return json.dumps({"predictions": [{"score": float(score)} for score in scores]}), accept
    return "\n".join(f"{score:.9g}" for score in scores), "text/csv"
