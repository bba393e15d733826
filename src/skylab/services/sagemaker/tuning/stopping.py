"""Whether a training job is worth going on with, judged by the objective that it has printed, epoch by epoch.

Early stopping (Auto) is AWS's median rule; Hyperband is Optuna's, which halves brackets asynchronously.
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-early-stopping.html
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from skylab.services.sagemaker.tuning import progress
from skylab.services.sagemaker.tuning.search import library

FEWEST = 3  # completed training jobs that a median is taken of; AWS names no number


def behind(series: Sequence[float], others: Sequence[Sequence[float]], type: str) -> bool:
    """Worse than the median of the running averages of others up to the same epoch."""
    epoch = len(series)
    averages = [fmean(other[:epoch]) for other in others if len(other) >= epoch]
    return bool(epoch) and len(averages) >= FEWEST and progress.better(type, median(averages), series[-1])


class Halving:
    """Hyperband over the training jobs of one definition, as their documents tell of them."""

    def __init__(self, name: str, type: str, resources: dict[str, Any], every: Sequence[dict[str, Any]]) -> None:
        optuna = library()
        self._most = resources["MaxResource"]
        pruner = optuna.pruners.HyperbandPruner(resources["MinResource"], self._most, reduction_factor=3)
        self._study = optuna.create_study(study_name=name, direction=type.lower(), pruner=pruner)
        for trial in every:
            state = optuna.trial.TrialState.RUNNING
            self._study.add_trial(optuna.trial.create_trial(state=state, system_attrs=trial["_"]["rungs"]))

    def stops(self, place: int, series: Sequence[float], since: int) -> bool:
        """Whether the training job at this place ends with one of its epochs from since (counted from 0) on."""
        for epoch in range(since + 1, len(series) + 1):
            trial = self._study.get_trials()[place]
            trial.intermediate_values = {epoch: series[epoch - 1]}
            if self._study.pruner.prune(self._study, trial) or epoch >= self._most:
                return True
        return False

    def rungs(self, place: int) -> dict[str, Any]:
        """To be kept with the training job: the next Halving is made of it."""
        found: dict[str, Any] = self._study.get_trials()[place].system_attrs
        return found
