"""LightGBM on lags: one model for all series of a group, that forecasts step by step.

Series are taken as logarithms where all are positive, differenced and scaled one by one; so a level that was never seen
is no obstacle, and the model serves series that it was not trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SEED = 7
DEFAULTS = {"learning_rate": 0.05, "num_leaves": 15, "rounds": 150, "min_child_samples": 40, "lambda_l2": 1.0}


def lags(season: int, shortest: int) -> list[int]:
    """Lags that the shortest series of the group has, with room to learn from them."""
    wanted = {
        1: [1, 2, 3, 4, 8, 13],
        4: [1, 2, 3, 4, 5, 8],
        7: [1, 2, 3, 7, 8, 14, 21, 28],
        12: [1, 2, 3, 6, 11, 12, 13],
    }
    most = max(1, (shortest - 2) // 2)
    return [lag for lag in wanted[season] if lag <= most] or [1]


def frame(series: dict[str, np.ndarray], positive: bool) -> pd.DataFrame:
    """mlforecast's long format; histories end at the same period, since only their own time counts."""
    longest = max(map(len, series.values()))
    parts = [
        pd.DataFrame({"unique_id": name, "ds": np.arange(longest - len(y), longest), "y": np.log(y) if positive else y})
        for name, y in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


class Lags:
    """Fitted on the histories of a group's series."""

    def __init__(self, series: dict[str, np.ndarray], season: int, chosen: dict[str, Any]) -> None:
        from lightgbm import LGBMRegressor
        from mlforecast import MLForecast
        from mlforecast.lag_transforms import RollingMean
        from mlforecast.target_transforms import Differences, LocalStandardScaler

        settings = DEFAULTS | chosen
        self.positive = all((y > 0).all() for y in series.values())
        used = lags(season, min(map(len, series.values())))
        model = LGBMRegressor(
            n_estimators=int(settings["rounds"]),
            learning_rate=settings["learning_rate"],
            num_leaves=int(settings["num_leaves"]),
            min_child_samples=int(settings["min_child_samples"]),
            reg_lambda=settings["lambda_l2"],
            subsample=0.8,
            subsample_freq=1,
            colsample_bytree=0.8,
            objective="mae",
            random_state=SEED,
            deterministic=True,
            n_jobs=1,
            verbose=-1,
        )
        window = max(used) if max(used) > 2 else None
        self.model = MLForecast(
            models={"lightgbm": model},
            freq=1,
            lags=used,
            lag_transforms={1: [RollingMean(window)]} if window else None,
            target_transforms=[Differences([1]), LocalStandardScaler()],
            num_threads=1,
        )
        self.model.fit(frame(series, self.positive), static_features=[], dropna=True)

    def forecast(self, series: dict[str, np.ndarray], horizon: int) -> dict[str, np.ndarray]:
        """horizon numbers for each series, which need not be those that it was fitted on; NaN where it cannot."""
        if self.positive and not all((y > 0).all() for y in series.values()):
            return {name: np.full(horizon, np.nan) for name in series}
        found = self.model.predict(horizon, new_df=frame(series, self.positive))
        numbers = np.exp(found["lightgbm"]) if self.positive else found["lightgbm"]
        rows = dict(iter(numbers.groupby(found["unique_id"])))
        return {name: rows[name].to_numpy() for name in series}


def save(model: Lags, path: Path) -> None:
    import joblib

    path.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, path)


def load(path: Path) -> Lags:
    import joblib

    found = joblib.load(path)
    assert isinstance(found, Lags)
    return found
