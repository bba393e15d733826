"""The fine-tuned encoder as ONNX, and as ONNX of 8-bit integers, a quarter of the size; both in the artefact.

Weights of matrix products are rounded once, a scale for each output; activations while it runs (dynamic quantisation).
Embeddings, most of the size, are rounded too.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from encoder import Encoder
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokens import by_length, padded

ORIGINAL, SMALL = "model.onnx", "model.int8.onnx"
KINDS = ["MatMul", "Gemm", "Gather"]  # Gather: the embeddings, most of the size
SIZE = 32


def export(model: Encoder, folder: Path) -> None:
    """Write both files."""
    ids, mask = (torch.from_numpy(each) for each in padded([[101, 2054, 102], [101, 102]]))
    batch, length = torch.export.Dim("batch", min=1, max=512), torch.export.Dim("length", min=2, max=512)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (ids, mask),
            str(folder / ORIGINAL),
            input_names=["ids", "mask"],
            output_names=["logits"],
            dynamo=True,
            dynamic_shapes={"ids": {0: batch, 1: length}, "mask": {0: batch, 1: length}},
            external_data=False,
            verbose=False,
        )
    quantize_dynamic(
        folder / ORIGINAL,
        folder / SMALL,
        op_types_to_quantize=KINDS,
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": 1},
    )


def logits(running: onnxruntime.InferenceSession, pieces: list[list[int]]) -> np.ndarray:
    """Scores of texts, in their order."""
    made: list[Any] = [None] * len(pieces)
    for numbers in by_length(pieces, SIZE):
        ids, mask = padded([pieces[number] for number in numbers])
        for number, row in zip(numbers, running.run(None, {"ids": ids, "mask": mask})[0], strict=True):
            made[number] = row
    return np.stack(made)


def milliseconds(running: onnxruntime.InferenceSession, pieces: list[list[int]], count: int = 100) -> dict[str, float]:
    """How long one text alone takes, on one thread."""
    spent = []
    for number in range(count):
        ids, mask = padded([pieces[number % len(pieces)]])
        begun = time.perf_counter()
        running.run(None, {"ids": ids, "mask": mask})
        spent.append((time.perf_counter() - begun) * 1000)
    return {"p50": float(np.percentile(spent, 50)), "p99": float(np.percentile(spent, 99))}
