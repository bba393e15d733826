"""Serve the 8-bit encoder: {"texts": […]} in; for each text its label and probability, "other" below the threshold.

Texts come masked. The same tokeniser and normalisation as in training (tokens.py travels with the model).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from calibrate import NONE, answers
from scipy.special import softmax
from tokenizers import Tokenizer
from tokens import by_length, encode, padded

OTHER = "other"
FILES = {"int8": "model.int8.onnx", "full": "model.onnx"}
BATCH, MOST = 32, 1000  # texts at once; texts a request


@dataclass(frozen=True)
class Model:
    tokenizer: Tokenizer
    running: onnxruntime.InferenceSession
    classes: list[str]
    temperature: float
    threshold: float


def model_fn(model_dir: str) -> Model:
    """What serves."""
    return load(Path(model_dir), "int8")


def load(folder: Path, kind: str) -> Model:
    """Read what train.py wrote. kind: int8 or full."""
    told = json.loads((folder / "calibration.json").read_text())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    running = onnxruntime.InferenceSession(str(folder / FILES[kind]), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return Model(tokenizer, running, told["classes"], told["temperature"], told["threshold"])


def input_fn(body: str | bytes, content_type: str) -> list[str]:
    """JSON with texts. ValueError for anything else."""
    if content_type.split(";")[0].strip() != "application/json":
        raise ValueError(f"{content_type} is not supported: send application/json")
    texts = json.loads(body).get("texts")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError('send {"texts": ["…"]}, one text or more')
    if len(texts) > MOST:
        raise ValueError(f"{len(texts)} texts in a request, {MOST} are the most")
    return texts


def probabilities(texts: list[str], model: Model) -> np.ndarray:
    """Calibrated, a row a text."""
    pieces = encode(model.tokenizer, texts)
    scores = np.zeros((len(texts), len(model.classes)), dtype=np.float32)
    for numbers in by_length(pieces, BATCH):
        ids, mask = padded([pieces[number] for number in numbers])
        scores[numbers] = model.running.run(None, {"ids": ids, "mask": mask})[0]
    return np.asarray(softmax(scores / model.temperature, axis=1))


def predict_fn(texts: list[str], model: Model) -> list[dict[str, Any]]:
    """Label, its probability, and the three likeliest classes."""
    found = probabilities(texts, model)
    made = []
    for row, answer in zip(found, answers(found, model.threshold), strict=True):
        best = np.argsort(row)[::-1][:3]
        made.append(
            {
                "label": OTHER if answer == NONE else model.classes[answer],
                "probability": round(float(row.max()), 6),
                "likeliest": {model.classes[each]: round(float(row[each]), 6) for each in best},
            }
        )
    return made


def output_fn(found: list[dict[str, Any]], accept: str) -> tuple[str, str]:
    return json.dumps({"predictions": found}), "application/json"
