"""Bootstrap intervals of 95 %: what a figure could have been with other texts of the same kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

LEVEL, SEED = 95, 1974


def resamples(count: int, draws: int, strata: Sequence[Any] | None = None) -> Iterator[np.ndarray]:
    """Rows drawn with replacement, `draws` times. strata: a group a row; each is drawn as often as it is there."""
    draw = np.random.default_rng(SEED)
    groups = [np.arange(count)]
    if strata is not None:
        which = np.unique(np.asarray(strata), return_inverse=True)[1]
        groups = [np.flatnonzero(which == each) for each in range(int(which.max()) + 1)]
    for _ in range(draws):
        yield np.concatenate([each[draw.integers(len(each), size=len(each))] for each in groups])


def edges(values: Sequence[float] | np.ndarray) -> list[float]:
    """Between which the middle 95 % of resampled values lie."""
    return np.percentile(values, [(100 - LEVEL) / 2, (100 + LEVEL) / 2]).tolist()
