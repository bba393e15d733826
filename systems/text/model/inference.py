"""Serve encoder (8 bits) and TF-IDF together: {"texts": […]} in; for each its label and probability, or "other".

Their scores are added with weights from validation texts, and the sum is calibrated. Below the threshold is "other".
Texts come masked. The same tokeniser and normalisation as in training (tokens.py travels with the model).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import linear
import numpy as np
import onnxruntime
from calibrate import NONE, answers
from examples import OTHER
from scipy.special import softmax
from tokenizers import Tokenizer
from tokens import by_length, encode, padded

FILES = {"int8": "model.int8.onnx", "full": "model.onnx", "both": "model.int8.onnx"}
BATCH, MOST = 32, 1000  # texts at once; texts a request


@dataclass(frozen=True)
class Model:
    tokenizer: Tokenizer
    running: onnxruntime.InferenceSession
    classes: list[str]
    temperature: float
    threshold: float
    weight: float = 1.0  # of the encoder's scores
    floor: dict[str, Any] | None = None  # TF-IDF beside it, with its "weight"


def model_fn(model_dir: str) -> Model:
    """What serves."""
    return load(Path(model_dir), "both")


def load(folder: Path, kind: str) -> Model:
    """Read what train.py wrote. kind: the encoder alone, int8 or full, or both: int8 and TF-IDF."""
    told = json.loads((folder / "calibration.json").read_text())
    running = session(folder / FILES[kind])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    if kind != "both":
        return Model(tokenizer, running, told["classes"], told["temperature"], told["threshold"])
    mixed = told["both"]
    floor = linear.arrays(folder) | {"weight": mixed["floor"]}
    return Model(tokenizer, running, told["classes"], mixed["temperature"], mixed["threshold"], mixed["encoder"], floor)


def session(path: Path) -> onnxruntime.InferenceSession:
    """ONNX Runtime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


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
    if model.floor:
        scores = model.weight * scores + model.floor["weight"] * linear.scores(model.floor, texts)
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
