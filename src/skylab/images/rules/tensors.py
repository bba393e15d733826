"""Rules about any tensors: zero, unchanged, of odd variance, unlike those of another run."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from skylab.images.rules.series import Array, Finding, Findings, Step, Steps, chosen


def all_zero(
    steps: Steps, collection_names: Sequence[str] = (), tensor_regex: Sequence[str] = (), threshold: float = 100.0
) -> Findings:
    """threshold percent of a tensor's values are zero."""
    for step in steps:
        for name, value in step.whole(chosen(step, collection_names, tensor_regex)):
            if (zeros := 100 * float(np.mean(value == 0))) >= threshold:
                yield Finding(step.number, f"{zeros:.0f} percent of {name} are zero")


def unchanged_tensor(
    steps: Steps,
    collection_names: Sequence[str] = (),
    tensor_regex: Sequence[str] = (),
    num_steps: int = 3,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
) -> Findings:
    """A tensor is the same, as numpy.allclose sees it, in the last num_steps in which it was saved."""
    past: dict[str, deque[Array]] = {}
    for step in steps:
        for name, value in step.whole(chosen(step, collection_names, tensor_regex)):
            seen = past.setdefault(name, deque(maxlen=num_steps))
            seen.append(value)
            if len(seen) == num_steps and all(_same(value, old, rtol, atol, equal_nan) for old in seen):
                yield Finding(step.number, f"{name} has not changed in {num_steps} steps")


def tensor_variance(
    steps: Steps,
    collection_names: Sequence[str] = (),
    tensor_regex: Sequence[str] = (),
    max_threshold: float | None = None,
    min_threshold: float | None = None,
) -> Findings:
    for step in steps:
        for name in chosen(step, collection_names, tensor_regex):
            variance = step.reduced(name, "std") ** 2
            if max_threshold is not None and variance > max_threshold:
                yield Finding(step.number, f"{name} has a variance of {variance:.3g}")
            if min_threshold is not None and variance < min_threshold:
                yield Finding(step.number, f"{name} has a variance of {variance:.3g}")


def similar_across_runs(
    steps: Steps,
    others: Sequence[Steps] = (),
    collection_names: Sequence[str] = (),
    tensor_regex: Sequence[str] = (),
) -> Findings:
    """A tensor is not what it was at the same step of another run, which is over."""
    runs: list[dict[int, Step]] = [{step.number: step for step in other} for other in others]
    for step in steps:
        for run in runs:
            other = run.get(step.number)
            for name, value in step.whole(chosen(step, collection_names, tensor_regex)):
                if other and name in other.values and not _same(value, other.value(name), 1e-5, 1e-8, True):
                    yield Finding(step.number, f"{name} is not what it was in the other run")


def _same(one: Array, other: Array, rtol: float, atol: float, equal_nan: bool) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=rtol, atol=atol, equal_nan=equal_nan)
