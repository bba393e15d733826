"""The season of one history: taken out before a member sees it, and put back as far as it came again before.

The logarithms' distance from a centred average of one cycle is averaged by phase, near cycles more than far ones. Weeks
are no whole part of a year: phases are compared on a cycle of 52.18 of them. Then the season is damped: by regression,
how much of the last RECENT cycles did the cycles before each of them foretell? All of it is 1, nothing 0; so a season
that chance has drawn is not forecast, and no test is needed. (On damped seasons: Miller and Williams, International
Journal of Forecasting 19, 2003.)
"""

from __future__ import annotations

import numpy as np

LENGTHS = {52: 365.25 / 7}  # periods of a cycle that is not a whole number of them
WIDTH = 0.3  # of a phase, in periods: standard deviation of the weights
FADE = 0.6  # weight of a cycle against that of the next
RECENT = 4  # cycles that the damping is measured on


def adjusted(y: np.ndarray, cycle: int, horizon: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The history without its season, and the season's factors on the horizon; None where none can be known."""
    if cycle == 1 or len(y) < 2 * cycle + 2 or (y <= 0).any():
        return None
    length = LENGTHS.get(cycle, float(cycle))
    at, apart = detrended(np.log(y), cycle)
    season = averaged(np.arange(len(y) + horizon), at, apart, length)
    factors = np.exp(damping(at, apart, length) * season)
    return y / factors[: len(y)], factors[len(y) :]


def detrended(logs: np.ndarray, cycle: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and distances from the centred average of one cycle, where there is one."""
    weights = np.ones(cycle) if cycle % 2 else np.r_[0.5, np.ones(cycle - 1), 0.5]
    trend = np.convolve(logs, weights / cycle, mode="valid")
    at = np.arange(len(trend)) + (len(weights) - 1) // 2
    return at, logs[at] - trend


def averaged(places: np.ndarray, at: np.ndarray, apart: np.ndarray, length: float, before: bool = False) -> np.ndarray:
    """The mean distance in the phase of each place; of earlier cycles alone if so wanted."""
    away = np.arange(max(places[-1], at[-1]) + 1) / length
    weight = np.exp(-0.5 * ((away - np.round(away)) * length / WIDTH) ** 2) * FADE**away
    gaps = places[:, None] - at[None]
    found = weight[np.abs(gaps)]
    if before:
        found = np.where(gaps > length / 2, found, 0.0)
    return np.asarray(found @ apart / found.sum(axis=1))


def damping(at: np.ndarray, apart: np.ndarray, length: float) -> float:
    """How much of the last cycles those before them foretold: between 0 and 1."""
    late = at[at - at[0] >= length - 0.5][-round(RECENT * length) :]
    if len(late) == 0:
        return 0.0
    foretold, came = averaged(late, at, apart, length, before=True), apart[late - at[0]]
    size = float(foretold @ foretold)
    return float(np.clip(came @ foretold / size, 0, 1)) if size > 0 else 0.0
