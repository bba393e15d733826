"""Duplicates, gaps and outliers: found, treated and counted, series by series.

duplicate    the same period twice: the later arrival stays (a correction, where the values differ)
invalid      not a finite number: a gap
gap          a period without value between the first one and the split: what its neighbours a season away say, scaled
             to the level around it; else a line between its neighbours, and after the last one that one
outlier      far (THRESHOLD robust deviations) from the local median of the series without its season, and alone:
             a longer stretch is a change of level, which is no error. Treated as a gap, or only reported.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

THRESHOLD = 6.0
LONGEST = 2  # periods in a row that an error lasts at most
SMALLEST = 0.2  # of the series' median: smaller deviations are no errors, however calm the rest
NEAR = 3  # periods to each side that make a local median, beside the one in question


@dataclass
class Found:
    """Counts of one series, and where its outliers were (t)."""

    series: str
    observations: int = 0
    duplicates: int = 0
    corrections: int = 0
    invalid: int = 0
    gaps: int = 0
    outliers: int = 0
    at: tuple[int, ...] = ()


def clean(table: pd.DataFrame, season: int, treat: bool, ends: dict[str, int]) -> tuple[pd.DataFrame, list[Found]]:
    """A group's rows (series, t, y; order of arrival) as one row a period, and what was found.

    treat: False leaves outliers as they are and only reports them. ends: the last period of each series' history:
    where its value is missing the history still reaches it, or forecasts would be judged a period off.
    """
    parts, found = [], []
    for series, rows in table.groupby("series", sort=True):
        t, y, facts = regular(str(series), rows["t"].to_numpy(), rows["y"].to_numpy(float))
        if len(y) == 0:
            found.append(facts)
            continue
        y = filled(y, season)
        odd = outliers(y, season)
        facts.outliers, facts.at = int(odd.sum()), tuple(int(each) for each in t[odd])
        if treat and odd.any():
            y = filled(np.where(odd, np.nan, y), season)
        late = ends[str(series)] - int(t[-1])
        facts.gaps += late
        y = filled(np.append(y, np.full(late, np.nan)), season)
        parts.append(pd.DataFrame({"series": str(series), "t": np.arange(t[0], t[-1] + late + 1), "y": y}))
        found.append(facts)
    return pd.concat(parts, ignore_index=True), found


def regular(series: str, t: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, Found]:
    """One value a period from the first to the last valid one, NaN where there is none."""
    facts = Found(series, observations=len(y))
    order = np.argsort(t, kind="stable")
    t, y = t[order], y[order]
    last = np.append(t[1:] != t[:-1], True) if len(t) else np.array([], dtype=bool)
    same = ~last[:-1] & (y[1:] == y[:-1])
    facts.duplicates = int(same.sum())
    facts.corrections = int((~last).sum()) - facts.duplicates
    t, y = t[last], y[last]
    valid = np.isfinite(y)
    facts.invalid = int((~valid).sum())
    t, y = t[valid], y[valid]
    if len(t) == 0:
        return t, y, facts
    every = np.arange(t[0], t[-1] + 1)
    whole = np.full(len(every), np.nan)
    whole[t - t[0]] = y
    facts.gaps = int(np.isnan(whole).sum())
    return every, whole, facts


def filled(y: np.ndarray, season: int) -> np.ndarray:
    """Without NaN. The first value is there."""
    missing = np.isnan(y)
    if not missing.any():
        return y
    known = np.flatnonzero(~missing)
    line = np.interp(np.arange(len(y)), known, y[known])
    if season == 1 or len(y) < 3 * season:
        return line
    factors = seasonal(line, season)
    flat = line / factors
    return np.where(missing, np.interp(np.arange(len(y)), known, flat[known]) * factors, line)


def seasonal(y: np.ndarray, season: int) -> np.ndarray:
    """A factor for each period: the median ratio to the local mean, around 1. All 1 where y is not positive."""
    if (y <= 0).any():
        return np.ones(len(y))
    around = pd.Series(y).rolling(season, center=True, min_periods=1).median().to_numpy()
    ratio = y / around
    one = np.array([np.median(ratio[place::season]) for place in range(season)])
    return np.resize(one / one.mean(), len(y))


def outliers(y: np.ndarray, season: int) -> np.ndarray:
    """Which values of a gapless series are outliers. The first and last are never judged: nothing is beyond them."""
    if len(y) < max(2 * season, 8):
        return np.zeros(len(y), dtype=bool)
    factors = seasonal(y, season) if season > 1 and len(y) >= 3 * season else np.ones(len(y))
    flat = y / factors
    apart = flat - pd.Series(flat).rolling(2 * NEAR + 1, center=True, min_periods=NEAR).median().to_numpy()
    spread = 1.4826 * float(np.median(np.abs(apart)))
    odd = np.abs(apart) > max(THRESHOLD * spread, SMALLEST * float(np.median(np.abs(flat))))
    odd[0] = odd[-1] = False
    return odd & (runs(odd) <= LONGEST)


def runs(marks: np.ndarray) -> np.ndarray:
    """How long the run of equal marks is that each place belongs to."""
    starts = np.flatnonzero(np.append(True, marks[1:] != marks[:-1]))
    lengths = np.diff(np.append(starts, len(marks)))
    return np.repeat(lengths, lengths)


def summary(found: list[Found]) -> dict[str, int]:
    """Totals of a group."""
    names = [name for name in asdict(Found("")) if name not in ("series", "at")]
    totals = {name: sum(getattr(each, name) for each in found) for name in names}
    touched = sum(bool(f.duplicates or f.corrections or f.invalid or f.gaps or f.outliers) for f in found)
    return {"series": len(found), "touched": touched} | totals
