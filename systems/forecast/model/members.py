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

Member = Callable[[np.ndarray, int, int], np.ndarray]
MOST = 10.0
CYCLES = 10
FLOORS = ("snaive", "naive2")
KEEP = {1: 260, 4: 100, 7: 140, 12: 144}  # periods, by season


def snaive(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last season again; the floor."""
    lag = season if len(y) >= season else 1
    return np.resize(y[-lag:], horizon)


def ets(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    from statsforecast.models import AutoETS

    return np.asarray(AutoETS(season_length=season).forecast(y=y, h=horizon)["mean"])


def theta(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Dynamic optimised theta; multiplicative seasons."""
    from statsforecast.models import DynamicOptimizedTheta

    return np.asarray(DynamicOptimizedTheta(season_length=season).forecast(y=y, h=horizon)["mean"])


def ces(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Complex exponential smoothing."""
    from statsforecast.models import AutoCES

    return np.asarray(AutoCES(season_length=season).forecast(y=y, h=horizon)["mean"])


def arima(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Stepwise, of the seasonally adjusted series: a tenth of the time that the search for seasonal terms takes."""
    from statsforecast.models import AutoARIMA

    found = metrics.factors(y, season) if metrics.is_seasonal(y, season) and (y > 0).all() else np.ones(season)
    flat = y / found[np.arange(len(y)) % season]
    small = {"max_p": 2, "max_q": 2, "seasonal": False, "nmodels": 6, "approximation": True}
    ahead = np.asarray(AutoARIMA(**small).forecast(y=flat, h=horizon)["mean"])
    return np.asarray(ahead * found[(len(y) + np.arange(horizon)) % season])


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
    """The member's forecast, and whether Naive2 had to stand in.

    A cycle longer than the season is taken out of a history of CYCLES of them, where the test finds it, and put back.
    """
    kept, after = adjusted(y, season, horizon, cycle) if name not in FLOORS else (y[-KEEP[season] :], np.ones(horizon))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = np.asarray(MEMBERS[name](kept, season, horizon), dtype=float) * after
        except Exception as error:  # a method that fails on one series must not end the job: it is counted instead
            logging.getLogger(__name__).debug("%s: %r", name, error)
            found = np.full(horizon, np.nan)
    if np.isfinite(found).all() and np.abs(found).max() <= MOST * np.abs(y[-KEEP[season] :]).max():
        return found, False
    return metrics.naive2(y[-KEEP[season] :], season, horizon), True


def adjusted(y: np.ndarray, season: int, horizon: int, cycle: int) -> tuple[np.ndarray, np.ndarray]:
    """The bounded history without its cycle, and the factors that put it back on the horizon."""
    whole = y[-CYCLES * cycle :]
    if cycle <= season or (whole <= 0).any() or not metrics.is_seasonal(whole, cycle):
        return y[-KEEP[season] :], np.ones(horizon)
    found = metrics.factors(whole, cycle)
    flat = whole / found[np.arange(len(whole)) % cycle]
    return flat[-KEEP[season] :], found[(len(whole) + np.arange(horizon)) % cycle]
