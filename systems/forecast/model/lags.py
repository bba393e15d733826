"""LightGBM on lags: one model for all series of a group and all steps ahead, which it forecasts directly.

It learns the change from the last value of a history to the one so many steps later, from the changes up to that last
value. Series are taken as logarithms where all are positive, and changes in units of the series' mean absolute one; so
a level that was never seen is no obstacle, and the model serves series that it was not trained on.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

SEED = 7
LAGS = (1, 2, 3, 4, 5, 6)
KNOWN = 25  # periods of history from which on it counts as long
ROWS = 200_000  # to learn from, about: of more histories every second end is taken, or third …
DEFAULTS = {"learning_rate": 0.05, "num_leaves": 15, "rounds": 100, "min_child_samples": 40, "lambda_l2": 1.0}


def features(z: np.ndarray, scale: float, ends: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """A row for each end of a history (its last place) and each step; NaN where the history is too short."""
    end, step = np.repeat(ends, len(steps)), np.tile(steps, len(ends))
    back = [np.where(end >= lag, z[np.maximum(end - lag, 0)] - z[end], np.nan) / scale for lag in LAGS]
    return np.stack([step, *back, np.full(len(end), np.log(scale)), np.minimum(end, KNOWN)], axis=1)


def scale(z: np.ndarray) -> float:
    return float(np.mean(np.abs(np.diff(z)))) or 1.0


class Lags:
    """Fitted on the histories of a group's series, of which one at least has LAGS and a horizon."""

    def __init__(self, series: dict[str, np.ndarray], horizon: int, chosen: dict[str, Any]) -> None:
        self.positive = all((y > 0).all() for y in series.values())
        steps, first = np.arange(1, horizon + 1), LAGS[-1] - 1
        known = [self.taken(y) for y in series.values()]
        apart = math.ceil(sum(max(len(z) - horizon - first, 0) for z in known) * horizon / ROWS) or 1
        rows, targets = [], []
        for z in known:
            ends = np.arange(len(z) - horizon - 1, first - 1, -apart)
            rows.append(features(z, scale(z), ends, steps))
            targets.append(((z[ends[:, None] + steps] - z[ends][:, None]) / scale(z)).ravel())
        self.model = learner(DEFAULTS | chosen).fit(np.concatenate(rows), np.concatenate(targets))

    def taken(self, y: np.ndarray) -> np.ndarray:
        return np.log(y) if self.positive else y

    def forecast(self, series: dict[str, np.ndarray], horizon: int) -> dict[str, np.ndarray]:
        """horizon numbers for each series, which need not be those that it was fitted on; NaN where it cannot."""
        return {name: self.one(y, horizon) for name, y in series.items()}

    def one(self, y: np.ndarray, horizon: int) -> np.ndarray:
        if self.positive and not (y > 0).all():
            return np.full(horizon, np.nan)
        z = self.taken(y)
        rows = features(z, scale(z), np.array([len(z) - 1]), np.arange(1, horizon + 1))
        found = self.model.predict(rows) * scale(z) + z[-1]
        return np.asarray(np.exp(found) if self.positive else found)


def learner(settings: dict[str, Any]) -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        n_estimators=int(settings["rounds"]),
        learning_rate=settings["learning_rate"],
        num_leaves=int(settings["num_leaves"]),
        min_child_samples=int(settings["min_child_samples"]),
        reg_lambda=settings["lambda_l2"],
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.8,
        max_bin=127,
        objective="mae",
        random_state=SEED,
        deterministic=True,
        n_jobs=1,
        verbose=-1,
    )


def save(model: Lags, path: Path) -> None:
    import joblib

    path.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, path)


def load(path: Path) -> Lags:
    import joblib

    found = joblib.load(path)
    assert isinstance(found, Lags)
    return found
