"""Rules about losses: of training and of validation, by the mode of their step or by XGBoost's names."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from skylab.images.rules.series import Finding, Findings, Step, Steps


def loss_not_decreasing(
    steps: Steps,
    collection_names: Sequence[str] = (),
    tensor_regex: Sequence[str] = (),
    use_losses_collection: bool = True,
    num_steps: int = 10,
    diff_percent: float = 0.1,
    increase_threshold_percent: float = 5.0,
    mode: str = "GLOBAL",
) -> Findings:
    """A loss has come down by less than diff_percent since it was compared, num_steps or more before; where it has
    risen, by more than increase_threshold_percent. Losses of training and of evaluation are not compared."""
    collections = [*collection_names, *(["losses"] if use_losses_collection else [])]
    before: dict[tuple[str, str], tuple[int, float]] = {}
    for step in steps:
        if mode not in ("GLOBAL", step.mode):
            continue
        for name, value in step.whole(step.select(collections, tensor_regex)):
            loss, key = float(value.mean()), (name, step.mode)
            since, old = before.setdefault(key, (step.number, loss))
            if step.number - since < num_steps:
                continue
            before[key] = step.number, loss
            fallen = 100 * (old - loss) / (abs(old) or 1.0)
            if 0 <= fallen < diff_percent or fallen < -increase_threshold_percent:
                yield Finding(step.number, f"{name} was {old:.6g} at step {since} and is {loss:.6g}")


@dataclass
class Losses:
    """The mean losses of a step; None for the part that it says nothing of."""

    train: float | None
    validation: float | None


def _losses(step: Step, patterns: Sequence[str]) -> Losses:
    names = step.select((), patterns) if patterns else step.select(("losses",))
    parts: dict[str, list[float]] = {"train": [], "validation": []}
    for name, value in step.whole(names):
        validates = step.mode == "EVAL" or name.startswith("validation-")
        parts["validation" if validates else "train"].append(float(value.mean()))
    train, validation = (float(np.mean(values)) if values else None for values in parts.values())
    return Losses(train, validation)


def overfit(
    steps: Steps,
    tensor_regex: Sequence[str] = (),
    start_step: int = 0,
    patience: int = 1,
    ratio_threshold: float = 0.1,
) -> Findings:
    """The mean validation loss is above the mean training loss by a ratio, at patience comparisons one after another.

    What was validated in steps beside each other is one comparison: with the training since the one before."""
    train: list[float] = []
    validation: list[float] = []
    over = 0
    last: Step | None = None

    def compared() -> bool:
        nonlocal over
        mean = float(np.mean(train))
        over = over + 1 if (float(np.mean(validation)) - mean) / (abs(mean) or 1.0) > ratio_threshold else 0
        return over >= patience

    for step in steps:
        if step.number < start_step:
            continue
        losses = _losses(step, tensor_regex)
        if validation and train and (losses.train is not None):
            if compared() and last:
                yield Finding(last.number, "The validation loss lies above the training loss")
            train, validation = [], []
        train += [losses.train] if losses.train is not None else []
        if losses.validation is not None:
            validation, last = [*validation, losses.validation], step
    if validation and train and last and compared():
        yield Finding(last.number, "The validation loss lies above the training loss")


def overtraining(steps: Steps, patience_train: int = 5, patience_validation: int = 10, delta: float = 0.01) -> Findings:
    """A loss has not come down by delta for that many steps."""
    best = {"training": inf, "validation": inf}
    waited = {"training": 0, "validation": 0}
    patience = {"training": patience_train, "validation": patience_validation}
    for step in steps:
        losses = _losses(step, ())
        for part, loss in (("training", losses.train), ("validation", losses.validation)):
            if loss is None:
                continue
            better = loss < best[part] - delta
            best[part] = loss if better else best[part]
            waited[part] = 0 if better else waited[part] + 1
            if waited[part] > patience[part]:
                yield Finding(step.number, f"The {part} loss has not improved by {delta:g} for {waited[part]} steps")
