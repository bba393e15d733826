"""Rules about gradients, weights, and how they begin."""

from collections.abc import Sequence

import numpy as np

from skylab.images.rules.series import Array, Finding, Findings, Step, Steps, chosen


def vanishing_gradient(steps: Steps, threshold: float = 1e-7) -> Findings:
    """The mean of a gradient's absolute values is below the threshold."""
    for step in steps:
        for name in step.select(("gradients",)):
            if (mean := step.reduced(name, "abs_mean")) < threshold:
                yield Finding(step.number, f"The mean of |{name}| is {mean:.3g}")


def exploding_tensor(
    steps: Steps, collection_names: Sequence[str] = (), tensor_regex: Sequence[str] = (), only_nan: bool = False
) -> Findings:
    """A value is NaN, or infinite."""
    for step in steps:
        for name, value in step.whole(chosen(step, collection_names, tensor_regex)):
            if (np.isnan(value) if only_nan else ~np.isfinite(value)).any():
                yield Finding(step.number, f"{name} has values that are not finite")


def weight_update_ratio(
    steps: Steps,
    num_steps: int | None = None,
    large_threshold: float = 10.0,
    small_threshold: float = 1e-8,
    epsilon: float = 1e-9,
) -> Findings:
    """Weights change by too much or by too little between two steps. num_steps: how far the earlier may lie back."""
    past: list[tuple[int, dict[str, Array]]] = []
    for step in steps:
        if step.mode not in ("TRAIN", "GLOBAL"):
            continue
        weights = dict(step.whole(step.select(("weights",))))
        reach = past[-1:] if num_steps is None else [each for each in past if each[0] >= step.number - num_steps]
        if weights and reach:
            yield from _changes(step, reach[0][1], weights, (small_threshold, large_threshold), epsilon)
        if weights:
            past = [*(reach if num_steps else []), (step.number, weights)]


def _changes(
    step: Step, before: dict[str, Array], now: dict[str, Array], within: tuple[float, float], epsilon: float
) -> Findings:
    for name in before.keys() & now.keys():
        ratio = np.abs(now[name] - before[name]).mean() / (np.abs(before[name]).mean() + epsilon)
        if not within[0] <= ratio <= within[1]:
            yield Finding(step.number, f"{name} changed by {ratio:.3g} of its size")


def poor_weight_initialization(
    steps: Steps,
    activation_inputs_regex: Sequence[str] = (".*relu_input",),
    threshold: float = 10.0,
    distribution_range: float = 0.001,
    patience: int = 5,
    steps_: int = 10,
) -> Findings:
    """In the first steps: layers' inputs of very unlike variance, gradients without spread, a loss that stays."""
    best, waited, seen = np.inf, 0, 0
    for step in steps:
        if step.mode not in ("TRAIN", "GLOBAL"):
            continue
        if (seen := seen + 1) > steps_:
            return
        inputs = step.whole(step.select(("relu_input",), activation_inputs_regex))
        variances = [float(value.var()) for _, value in inputs]
        if len(variances) > 1 and max(variances) > threshold * min(variances):
            ratio = max(variances) / max(min(variances), 1e-30)
            yield Finding(step.number, f"The variances of the layers' inputs differ by a factor of {ratio:.3g}")
        for name, value in step.whole(step.select(("gradients",))):
            low, high = np.percentile(value, [5, 95])
            if value.size > 1 and high - low < distribution_range:
                yield Finding(step.number, f"The gradients {name} lie within {high - low:.3g}")
        if losses := [value.mean() for _, value in step.whole(step.select(("losses",)))]:
            loss = float(np.mean(losses))
            waited = 0 if loss < best else waited + 1
            best = min(best, loss)
            if waited >= patience:
                yield Finding(step.number, f"The loss has not decreased for {waited} steps")
