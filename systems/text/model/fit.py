"""Fine-tuning: cross-entropy with smoothed labels, and for few examples also a contrastive loss.

The contrastive loss (Khosla et al. 2020, as SetFit uses pairs) draws texts of one class together and others apart: it
is worth most where a class has ten examples. The learning rate rises over a tenth of the steps and falls to zero.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from encoder import Encoder, Rows
from tokens import by_length, padded
from torch import Tensor
from torch.nn.functional import cross_entropy, dropout, log_softmax

TEMPERATURE = 0.1  # of the contrastive loss


@dataclass(frozen=True)
class Choices:
    """Hyperparameters; how those of each set were chosen is in README.md."""

    epochs: int = 4
    rate: float = 3e-4
    head_rate: float = 3e-3
    batch: int = 32
    frozen: int = 2  # layers kept as they came
    smoothing: float = 0.05
    contrast: float = 0.0  # weight of the contrastive loss
    drop: float = 0.1  # share of the vector's entries dropped before the head
    decay: float = 1.0  # of the rate, from each layer to the one below it
    half: bool = False  # multiply in bfloat16: half the time on a processor that has it, see fast()
    seed: int = 1974


def fast() -> bool:
    """Whether this processor multiplies in bfloat16."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and "avx512_bf16" in _flags()


def _flags() -> str:
    told = Path("/proc/cpuinfo")
    return told.read_text() if told.exists() else ""


def contrastive(vectors: Tensor, labels: Tensor) -> Tensor:
    """Supervised contrastive loss of a batch; 0 where no class is there twice."""
    same = (labels[:, None] == labels[None, :]).float()
    same.fill_diagonal_(0)
    near = vectors @ vectors.T / TEMPERATURE
    near = near.masked_fill(torch.eye(len(labels), dtype=torch.bool), -1e4)
    told = log_softmax(near, dim=1)
    several = same.sum(1) > 0
    if not several.any():
        return vectors.sum() * 0
    return -((told * same).sum(1)[several] / same.sum(1)[several]).mean()


def rows(model: Encoder, pieces: list[list[int]], size: int = 64) -> Rows:
    """Run the frozen layers once over every text."""
    hidden: list[Tensor] = [torch.empty(0)] * len(pieces)
    model.eval()
    with torch.inference_mode():
        for numbers in by_length(pieces, size):
            ids, mask = padded([pieces[number] for number in numbers])
            made = model.lower(torch.from_numpy(ids), torch.from_numpy(mask))
            for place, number in enumerate(numbers):
                hidden[number] = made[place, : len(pieces[number])].clone()
    return Rows([each.clone() for each in hidden])


def vectors(model: Encoder, kept: Rows, half: bool = False, size: int = 64) -> Tensor:
    """The vector of every text. half: multiply in bfloat16, as training did."""
    model.eval()
    made = torch.zeros(len(kept.hidden), model.directions.shape[1])
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        for numbers in by_length([[0] * len(each) for each in kept.hidden], size):
            made[numbers] = model.upper(*kept.batch(numbers)).float()
    return made


def logits(model: Encoder, kept: Rows, half: bool = False) -> np.ndarray:
    with torch.no_grad():
        return model.logits(vectors(model, kept, half)).numpy()


def start(model: Encoder, kept: Rows, labels: np.ndarray) -> None:
    """Point each direction at the mean of its class."""
    found = vectors(model, kept)
    with torch.no_grad():
        for label in np.unique(labels):
            model.directions[label] = found[labels == label].mean(0)


def batches(kept: Rows, labels: np.ndarray, choices: Choices, draw: np.random.Generator) -> Iterator[np.ndarray]:
    """Shuffled batches of like length; with a contrastive loss, of pairs of one class."""
    order = draw.permutation(len(labels))
    two = [order[place : place + 1] for place in range(len(order))]
    if choices.contrast:
        pairs = [draw.permutation(order[labels[order] == label]) for label in np.unique(labels)]
        two = [each[place : place + 2] for each in pairs for place in range(0, len(each), 2)]
        two = [two[number] for number in draw.permutation(len(two))]
    pool = choices.batch * 16 // (2 if choices.contrast else 1)  # among which those of like length meet
    made: list[np.ndarray] = []
    for place in range(0, len(two), pool):
        some = sorted(two[place : place + pool], key=lambda each: max(len(kept.hidden[number]) for number in each))
        flat = np.concatenate(some)
        made += [flat[begin : begin + choices.batch] for begin in range(0, len(flat), choices.batch)]
    yield from (made[number] for number in draw.permutation(len(made)))


def fit(
    model: Encoder, kept: Rows, labels: np.ndarray, choices: Choices, say: Callable[[str], None] = lambda _: None
) -> None:
    """Fine-tune the layers above and the directions."""
    torch.manual_seed(choices.seed)
    draw = np.random.default_rng(choices.seed)
    start(model, kept, labels)
    above = [each for each in model.layers.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(_groups(model, choices), weight_decay=0.01)
    total = choices.epochs * -(-len(labels) // choices.batch)
    warm = max(total // 10, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(total - step, 0) / max(total - warm, 1))
    )
    for epoch in range(choices.epochs):
        model.train()
        begun, lost = time.monotonic(), []
        for numbers in batches(kept, labels, choices, draw):
            loss = _step(model, kept, labels, numbers, choices)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(above, 1.0)
            optimiser.step()
            schedule.step()
            lost.append(float(loss.detach()))
        say(f"epoch {epoch + 1}/{choices.epochs} loss:{np.mean(lost):.4f} seconds:{time.monotonic() - begun:.1f}")
    model.eval()


def _groups(model: Encoder, choices: Choices) -> list[dict[str, Any]]:
    """Parameters with their rates: the highest layer has the whole rate, each below it `decay` of the one above."""
    made: list[dict[str, Any]] = [{"params": [model.directions], "lr": choices.head_rate}]
    for depth, layer in enumerate(reversed(model.layers[choices.frozen :])):
        made.append({"params": list(layer.parameters()), "lr": choices.rate * choices.decay**depth})
    return made


def _step(model: Encoder, kept: Rows, labels: np.ndarray, numbers: np.ndarray, choices: Choices) -> Tensor:
    wanted = torch.from_numpy(labels[numbers])
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=choices.half):
        made = model.upper(*kept.batch(numbers)).float()
    told = model.logits(dropout(made, choices.drop))
    loss = cross_entropy(told, wanted, label_smoothing=choices.smoothing)
    return loss + choices.contrast * contrastive(made, wanted) if choices.contrast else loss
