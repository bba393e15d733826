"""Rules about what activations are given and give: neurons that are dead, and such as are saturated."""

from collections.abc import Sequence

import numpy as np

from skylab.images.rules.series import Array, Finding, Findings, Steps


def dead_relu(
    steps: Steps,
    tensor_regex: Sequence[str] = (".*relu_output",),
    threshold_inactivity: float = 1.0,
    threshold_layer: float = 50.0,
) -> Findings:
    """More than threshold_layer percent of a layer's neurons give something in less than threshold_inactivity percent
    of a batch. Layers by their names, and what the hook knows to be a ReLU."""
    for step in steps:
        for name, value in step.whole(step.select(("relu_output",), tensor_regex)):
            if (dead := _inactive(value > 0, threshold_inactivity)) > threshold_layer:
                yield Finding(step.number, f"{dead:.0f} percent of {name} are dead")


def saturated_activation(
    steps: Steps,
    collection_names: Sequence[str] = (),
    tensor_regex: Sequence[str] = (".*tanh_input", ".*sigmoid_input"),
    threshold_tanh_min: float = -9.4999,
    threshold_tanh_max: float = 9.4999,
    threshold_sigmoid_min: float = -23.0,
    threshold_sigmoid_max: float = 16.99999,
    threshold_inactivity: float = 1.0,
    threshold_layer: float = 50.0,
) -> Findings:
    """As dead_relu, with inputs so far out that the function no longer answers to them."""
    limits = {"tanh": (threshold_tanh_min, threshold_tanh_max)}
    limits["sigmoid"] = threshold_sigmoid_min, threshold_sigmoid_max
    for step in steps:
        for word, (low, high) in limits.items():
            ours = set(step.select((f"{word}_input",), (f"{word}_input",)))
            for name, value in step.whole(step.select((*collection_names, f"{word}_input"), tensor_regex)):
                if name not in ours:
                    continue
                dull = _inactive((low < value) & (value < high), threshold_inactivity)
                if dull > threshold_layer:
                    yield Finding(step.number, f"{dull:.0f} percent of {name} are saturated")


def _inactive(active: Array, threshold: float) -> float:
    """Percent of the neurons that are active in less than threshold percent of the batch, its first dimension."""
    share = 100 * active.mean(axis=0) if active.ndim > 1 else 100 * active.astype(float)
    return float(100 * np.mean(share < threshold))
