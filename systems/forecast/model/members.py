"""What forecasts one series from its own history: the floor, the statistical methods, Prophet.

A member is a function (y, season, horizon) -> horizon numbers. Whatever it raises, and numbers that are none, or beyond
MOST times what was ever seen, become Naive2, and are counted. KEEP bounds the history: older values cost time and say
little.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import metrics
import numpy as np
import seasons

Member = Callable[[np.ndarray, int, int], np.ndarray]
MOST = 10.0
CYCLES = 10
FLOORS = ("snaive", "naive2")
OWN = {"ets": (4, 12), "prophet": (4, 7, 12)}  # these model these seasons themselves; for 7 ETS takes ten times as long
KEEP = {1: 260, 4: 100, 7: 140, 12: 144}  # periods, by season


def snaive(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last season again; the floor."""
    lag = season if len(y) >= season else 1
    return np.resize(y[-lag:], horizon)


def ets(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    from statsforecast.models import AutoETS

    return np.asarray(AutoETS(season_length=season).forecast(y=y, h=horizon)["mean"])


def theta(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Dynamic optimised theta."""
    from statsforecast.models import DynamicOptimizedTheta

    return np.asarray(DynamicOptimizedTheta(season_length=season).forecast(y=y, h=horizon)["mean"])


def ces(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Complex exponential smoothing."""
    from statsforecast.models import AutoCES

    return np.asarray(AutoCES(season_length=season).forecast(y=y, h=horizon)["mean"])


def arima(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Stepwise, without seasonal terms: a tenth of the time that the search for them takes."""
    from statsforecast.models import AutoARIMA

    small = {"max_p": 2, "max_q": 2, "seasonal": False, "nmodels": 6, "approximation": True}
    return np.asarray(AutoARIMA(**small).forecast(y=y, h=horizon)["mean"])


def prophet(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """On dates that stand for the periods: Prophet knows no other time."""
    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True
    step = {1: 365.25, 4: 365.25 / 4, 7: 1.0, 12: 365.25 / 12}[season]
    dates = pd.Timestamp("1970-01-01") + pd.to_timedelta(np.arange(len(y) + horizon) * step, unit="D")
    yearly = season in (4, 12) and len(y) > 2 * season
    model = Prophet(
        yearly_seasonality=min(season // 2, 6) if yearly else False,
        weekly_seasonality=season == 7,
        daily_seasonality=False,
        seasonality_mode="multiplicative",
        uncertainty_samples=0,
    )
    model.fit(pd.DataFrame({"ds": dates[: len(y)], "y": y}), seed=7)
    return np.asarray(model.predict(pd.DataFrame({"ds": dates[len(y) :]}))["yhat"])


MEMBERS: dict[str, Member] = {
    "snaive": snaive,
    "naive2": metrics.naive2,
    "ets": ets,
    "theta": theta,
    "ces": ces,
    "arima": arima,
    "prophet": prophet,
}


def forecast(name: str, y: np.ndarray, season: int, horizon: int, cycle: int = 1) -> tuple[np.ndarray, bool]:
    """The member's forecast, and whether Naive2 had to stand in."""
    kept, known, after = seen(name, y, season, horizon, cycle)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = np.asarray(MEMBERS[name](kept, known, horizon), dtype=float) * after
        except Exception as error:  # a method that fails on one series must not end the job: it is counted instead
            logging.getLogger(__name__).debug("%s: %r", name, error)
            found = np.full(horizon, np.nan)
    if np.isfinite(found).all() and np.abs(found).max() <= MOST * np.abs(y[-KEEP[season] :]).max():
        return found, False
    return metrics.naive2(y[-KEEP[season] :], season, horizon), True


def seen(name: str, y: np.ndarray, season: int, horizon: int, cycle: int) -> tuple[np.ndarray, int, np.ndarray]:
    """What a member sees: the bounded history, its season, and the factors that its forecasts are to be multiplied by.

    The season is taken out beforehand, but for the floors and for members that model it themselves.
    """
    keep, longest = KEEP[season], max(cycle, season)
    if name not in FLOORS and longest not in OWN.get(name, ()):
        if found := seasons.adjusted(y[-max(keep, CYCLES * longest) :], longest, horizon):
            return found[0][-keep:], 1, found[1]
    return y[-keep:], season, np.ones(horizon)
