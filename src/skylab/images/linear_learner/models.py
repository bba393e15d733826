"""Many linear models side by side: their weights, and the hyperparameters in which they differ.

Whatever is auto of learning_rate, wd, l1 and positive_example_weight_mult is tried in several values, one per model.
"""

from dataclasses import dataclass
from itertools import cycle, islice, product
from typing import Any

import numpy

from skylab.images.linear_learner.hyperparameters import BINARY

RATES = (0.02, 0.005, 0.1, 0.001)
DECAYS = (0.0001, 0.001, 0.00001, 0.01)
SPARSITIES = (0.0, 0.0001)


@dataclass
class Models:
    """weights: features x models (x classes); bias: models (x classes); the rest: one number per model."""

    weights: Any
    bias: Any
    rate: Any
    decay: Any
    sparsity: Any
    positive: Any

    def scores(self, features: Any) -> Any:
        """rows x models (x classes)"""
        flat = features @ self.weights.reshape(self.weights.shape[0], -1)
        return flat.reshape(-1, *self.weights.shape[1:]) + self.bias

    def settings(self, number: int) -> dict[str, float]:
        named = {"learning_rate": self.rate, "wd": self.decay, "l1": self.sparsity}
        return {name: float(each[number]) for name, each in named.items()}


def drawn(values: dict[str, Any], width: int, balance: float, tuned: bool, generator: Any) -> Models:
    """balance: negative examples for each positive one. tuned: a tuning job varies what we otherwise would."""
    grid = list(product(_tried(values["l1"], SPARSITIES), _tried(values["wd"], DECAYS), _positive(values, balance)))
    combined = [(rate, *rest) for rest in grid for rate in _tried(values["learning_rate"], RATES)]
    many = 1 if tuned else values["num_models"] or len(combined)
    chosen = numpy.array(list(islice(cycle(combined), many)), dtype=float)
    classes = (values["num_classes"],) if values["num_classes"] > 1 else ()
    shape = (width, many, *classes)
    if values["init_method"] == "uniform":
        weights = generator.uniform(-values["init_scale"], values["init_scale"], shape)
    else:
        weights = generator.normal(0, values["init_sigma"], shape)
    bias = numpy.full((many, *classes), values["init_bias"] if values["use_bias"] else 0.0)
    rate, sparsity, decay, positive = chosen.T
    return Models(weights.astype(numpy.float32), bias.astype(numpy.float32), rate, decay, sparsity, positive)


def _tried(given: float | None, several: tuple[float, ...]) -> tuple[float, ...]:
    return several if given is None else (given,)


def _positive(values: dict[str, Any], balance: float) -> tuple[float, ...]:
    given = values["positive_example_weight_mult"]
    if values["predictor_type"] != BINARY:
        return (1.0,)
    return (1.0, balance) if given is None else (balance,) if given == "balanced" else (given,)
