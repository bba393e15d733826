"""M4's protocol: sMAPE, MASE, OWA against Naive2; and quantile loss and coverage for the probabilistic output.

sMAPE   mean of 200 |y - f| / (|y| + |f|), in per cent
MASE    mean |y - f| over the in-sample mean |y_t - y_(t-m)|
OWA     (sMAPE / sMAPE of Naive2 + MASE / MASE of Naive2) / 2, of the averages over the series
Makridakis, Spiliotis and Assimakopoulos, International Journal of Forecasting 36 (2020), and the competition's own R
code (github.com/Mcompetitions/M4-methods, "Benchmarks and Evaluation.R"), which Naive2 here follows.

Arrays have a row for each series and a column for each step; NaN is a period without an observation.
"""

from __future__ import annotations

import numpy as np

LEVEL = 1.645  # of the test for seasonality: 90 %


def smape(y: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Of each series, in per cent. Where truth and forecast are 0 the error is 0."""
    size = np.abs(y) + np.abs(forecast)
    return np.nanmean(200 * np.abs(y - forecast) / np.where(size == 0, 1, size), axis=1)


def scale(history: np.ndarray, season: int) -> float:
    """In-sample mean error of the seasonal naive forecast; of the naive one for a short history, 1 for a constant."""
    lag = season if len(history) > season else 1
    if len(history) < 2:
        return 1.0
    return float(np.mean(np.abs(history[lag:] - history[:-lag]))) or 1.0


def mase(y: np.ndarray, forecast: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Of each series."""
    return np.nanmean(np.abs(y - forecast), axis=1) / scales


def owa(own: tuple[float, float], naive2: tuple[float, float]) -> float:
    """From (sMAPE, MASE), averages over the same series."""
    return (own[0] / naive2[0] + own[1] / naive2[1]) / 2


def quantile_loss(y: np.ndarray, forecasts: dict[float, np.ndarray]) -> float:
    """Weighted quantile loss, as DeepAR reports it: 2 · sum of pinball losses / sum of |y|, mean of the quantiles."""
    losses = [
        2 * np.nansum(np.maximum(q * (y - forecast), (q - 1) * (y - forecast))) / np.nansum(np.abs(y))
        for q, forecast in forecasts.items()
    ]
    return float(np.mean(losses))


def coverage(y: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Share of the observations between the two."""
    seen = ~np.isnan(y)
    return float(((y >= low) & (y <= high))[seen].mean())


def is_seasonal(y: np.ndarray, season: int) -> bool:
    """Whether the autocorrelation at the season's lag is beyond chance (90 %)."""
    if season == 1 or len(y) < 3 * season:
        return False
    apart = y - y.mean()
    total = float(apart @ apart)
    if total == 0:
        return False
    acf = np.array([apart[lag:] @ apart[: len(y) - lag] / total for lag in range(1, season + 1)])
    limit = LEVEL / np.sqrt(len(y)) * np.sqrt(1 + 2 * np.sum(acf[:-1] ** 2))
    return bool(abs(acf[-1]) > limit)


def factors(y: np.ndarray, season: int) -> np.ndarray:
    """The season's factors by classical multiplicative decomposition, as R's decompose; [0] is that of y[0]."""
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    trend = np.convolve(y, weights / season, mode="valid")
    first = (len(weights) - 1) // 2
    ratio = y[first : first + len(trend)] / trend
    place = (np.arange(len(trend)) + first) % season
    one = np.array([ratio[place == each].mean() for each in range(season)])
    return one / one.mean()


def naive2(y: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last value of the seasonally adjusted series, with the season put back where the test finds one."""
    if not is_seasonal(y, season) or (y <= 0).any():
        return np.full(horizon, y[-1])
    found = factors(y, season)
    return y[-1] / found[(len(y) - 1) % season] * found[(len(y) + np.arange(horizon)) % season]
