"""Chooses the next hyperparameters. The search itself is Optuna's; it is imported when the first is asked for.

Nothing of a search is kept: a study is made anew of what was tried so far, and chance comes from the job's seed and the
number of the training job, so that the same past always gives the same choice, whatever happened to the process.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from typing import Any

from skylab.services.sagemaker.tuning.ranges import Inner, Range, combination
from skylab.wire.errors import invalid

FIRST_AT_RANDOM = 10  # results before a Bayesian search has something to go by: Optuna's own default
MOST_BY_PROCESS = 100  # results; a Gaussian process takes 0.1 s for a choice after so many, and ever longer


@dataclass(frozen=True)
class Tried:
    """A training job so far: its hyperparameters on the search's scale, and its objective; None while it runs."""

    values: dict[str, Inner]
    objective: float | None


@dataclass(frozen=True)
class Search:
    """strategy, type: AWS's words (Bayesian …; Minimize, Maximize). seed: of this definition's search."""

    strategy: str
    type: str
    seed: int
    ranges: Sequence[Range] = field(default_factory=list)

    def propose(self, number: int, past: Sequence[Tried]) -> dict[str, str]:
        """The hyperparameters of the training job with this number, from 1 on, as texts."""
        if self.strategy == "Grid":
            return combination(self.ranges, number - 1)
        optuna = library()
        sampler = self._sampler(optuna, number, sum(each.objective is not None for each in past))
        study = optuna.create_study(direction=self.type.lower(), sampler=sampler)
        kinds = {each.name: _distribution(optuna, each) for each in self.ranges}
        for each in past:
            study.add_trial(_trial(optuna, each, kinds))
        chosen = study.ask(kinds).params
        return {each.name: each.text(chosen[each.name]) for each in self.ranges}

    def _sampler(self, optuna: Any, number: int, results: int) -> Any:
        seed = derived(f"{self.seed}/{number}")
        if self.strategy != "Bayesian":
            return optuna.samplers.RandomSampler(seed=seed)
        if results <= MOST_BY_PROCESS and find_spec("torch") and find_spec("scipy"):
            if results >= FIRST_AT_RANDOM:
                import torch  # 2 s, which a job of few training jobs is spared

                torch.set_num_threads(1)  # the matrices are small, and the machine belongs to the training jobs
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=FIRST_AT_RANDOM)
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=FIRST_AT_RANDOM)


def derived(text: str) -> int:
    """A seed of 32 bits."""
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big")


def check_installed() -> None:
    """Raises AwsError."""
    if find_spec("optuna") is None:
        raise invalid("Tuning needs optuna, which is not installed: pip install 'skylab[tuning]'")


def library() -> Any:
    """Optuna, which takes 0.4 s to import: not at the server's start, and not in the supervisor's thread."""
    import optuna

    optuna.logging.set_verbosity(logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def _distribution(optuna: Any, range: Range) -> Any:
    if range.kind is str:
        return optuna.distributions.CategoricalDistribution(range.values)
    low, high = range.ends
    if range.kind is int:
        return optuna.distributions.IntDistribution(int(low), int(high), log=range.scale != "Linear")
    return optuna.distributions.FloatDistribution(low, high, log=range.scale != "Linear")


def _trial(optuna: Any, tried: Tried, kinds: dict[str, Any]) -> Any:
    state = optuna.trial.TrialState.RUNNING if tried.objective is None else optuna.trial.TrialState.COMPLETE
    return optuna.trial.create_trial(state=state, value=tried.objective, params=tried.values, distributions=kinds)
