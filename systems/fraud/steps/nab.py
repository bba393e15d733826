"""The Numenta Anomaly Benchmark, scored as it scores itself (profile "standard"), with SageMaker's random cut forest.

The first 15 % of a series (750 points at most) are its probation: they teach, and do not count. An alarm in a labelled
window is worth the more the earlier it comes, up to 1, and only the best of a window counts; a window without one
costs 1; an alarm outside costs up to 0.11, less just behind a window (Lavin and Ahmad, ICMLA 2015; NAB's sweeper.py).
One threshold for all series is chosen on their sum, as NAB does for every detector. 0 is what silence gets, 100 a
perfect detector.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from tables import BadInput

TRUE, FALSE, MISSED = 1.0, 0.11, 1.0
PROBATION, AT_MOST = 0.15, 750


@dataclass(frozen=True)
class Series:
    """name: folder/file.csv. windows: (first, last) row of each."""

    name: str
    values: np.ndarray
    windows: list[tuple[int, int]]

    @property
    def probation(self) -> int:
        return int(min(PROBATION * len(self.values), AT_MOST))

    @cached_property
    def worth(self) -> tuple[np.ndarray, np.ndarray]:
        """(what an alarm at each row is worth, the number of its window or -1)."""
        rows = np.arange(len(self.values))
        value, window = np.full(len(rows), -FALSE), np.full(len(rows), -1)
        for number, (first, last) in enumerate(self.windows):
            width = last - first + 1
            after = rows > last
            value[after] = FALSE * sigmoid((rows[after] - last) / max(1, width - 1))
            inside = (rows >= first) & (rows <= last)
            value[inside] = TRUE * sigmoid(-(last - rows[inside] + 1) / width) / sigmoid(np.array(-1.0))
            window[inside] = number
        return value, window


def load(folder: Path) -> list[Series]:
    """All series of NAB's folder; BadInput if it is none."""
    if not (folder / "labels" / "combined_windows.json").is_file() or not any((folder / "data").glob("*/*.csv*")):
        raise BadInput(f"{folder} is not NAB's folder: it lacks data/*/*.csv or labels/combined_windows.json.")
    labelled = json.loads((folder / "labels" / "combined_windows.json").read_text())
    found = []
    for path in sorted((folder / "data").glob("*/*.csv*")):
        name = f"{path.parent.name}/{path.name.removesuffix('.gz')}"
        table = pl.read_csv(path)
        rows = {stamp[:19]: row for row, stamp in enumerate(table["timestamp"].to_list())}
        windows = [(rows[first[:19]], rows[last[:19]]) for first, last in labelled[name]]
        found.append(Series(name, table["value"].cast(pl.Float64).to_numpy(), windows))
    return found


def sigmoid(position: np.ndarray) -> np.ndarray:
    """From 1 well before the end of a window to -1 well after it."""
    return np.where(position > 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(position, 3))) - 1)


def scored(series: Series, alarms: np.ndarray) -> float:
    """The raw score of a series; alarms: a truth for each row."""
    value, window = series.worth
    alarms = alarms & (np.arange(len(alarms)) >= series.probation)
    total = float(value[alarms & (window < 0)].sum())
    for number in range(len(series.windows)):
        hits = value[alarms & (window == number)]
        total += float(hits.max()) if len(hits) else -MISSED
    return total


def normalised(every: list[Series], anomaly: list[np.ndarray], threshold: float) -> float:
    """0 for silence, 100 for the earliest alarm in each window and no other."""
    silent = sum(MISSED * len(series.windows) for series in every)
    total = sum(scored(series, score >= threshold) for series, score in zip(every, anomaly, strict=True))
    return 100 * (total + silent) / (2 * silent)


def best(every: list[Series], anomaly: list[np.ndarray], tries: int = 200) -> tuple[float, float]:
    """(threshold, normalised score) with the highest score."""
    whole = np.concatenate([score[series.probation :] for series, score in zip(every, anomaly, strict=True)])
    thresholds = np.unique(np.quantile(whole, 1 - np.geomspace(1e-5, 0.1, tries)))
    found = [(normalised(every, anomaly, threshold), threshold) for threshold in thresholds]
    score, threshold = max(found)
    return float(threshold), float(score)


APART = 1000.0  # between the numbers of two series: far more than any value, so that trees cut series apart first
DAY = 288  # points of five minutes
SILENCES = {"one day": 1, "two days": 2}  # after an alarm
FOREST = {"feature_dim": 2, "num_trees": 50, "num_samples_per_tree": 2048}
PUBLISHED = {"numenta": 72.3, "contextOSE": 71.5, "ARTime": 69.5, "knncad": 57.1, "randomCutForest": 50.6}
PUBLISHED |= {"twitterADVec": 41.2, "windowedGaussian": 26.5, "random": 17.0}
HALVES = 40


def rows(every: list[Series]) -> list[np.ndarray]:
    """What the forest reads: the number of the series, and the value in deviations of its probation, as a logarithm."""
    found = []
    for number, series in enumerate(every):
        taught = series.values[: series.probation]
        deviation = max(taught.std(), 1e-6 * max(1.0, abs(taught.mean())))
        far = (series.values - taught.mean()) / deviation
        found.append(np.column_stack([np.full(len(far), APART * number), np.sign(far) * np.log1p(np.abs(far))]))
    return found


def rises(score: np.ndarray, points: int) -> np.ndarray:
    """How far a score is above the highest of so many points before it: an alarm is news, not a state."""
    padded = np.concatenate([np.full(points, -np.inf), score])
    before = np.lib.stride_tricks.sliding_window_view(padded, points).max(axis=1)[: len(score)]
    return score - np.where(np.isfinite(before), before, 0)


def report(every: list[Series], forests: list[list[np.ndarray]]) -> dict[str, list[float]]:
    """The normalised score for silence of one day and of two after an alarm, without any, and held out.

    Of each the mean and the standard deviation: over the forests, and for what is held out over halves and forests.
    """
    found: dict[str, list[float]] = {"as scored": [], "one day": [], "two days": [], "held out": []}
    for anomaly in forests:
        risen = {name: [rises(score, days * DAY) for score in anomaly] for name, days in SILENCES.items()}
        found["as scored"].append(best(every, anomaly)[1])
        for name, scores in risen.items():
            found[name].append(best(every, scores)[1])
        found["held out"] += held_out(every, list(risen.values()))
    return {name: [float(np.mean(scores)), float(np.std(scores, ddof=1))] for name, scores in found.items()}


def held_out(every: list[Series], risen: list[list[np.ndarray]], tries: int = 60) -> list[float]:
    """Threshold and silence chosen on half of the series, the other half scored: for random halves."""
    raw = []
    for scores in risen:
        whole = np.concatenate([score[series.probation :] for series, score in zip(every, scores, strict=True)])
        for threshold in np.unique(np.quantile(whole, 1 - np.geomspace(1e-5, 0.1, tries))):
            alarms = (score >= threshold for score in scores)
            raw.append([scored(series, alarm) for series, alarm in zip(every, alarms, strict=True)])
    table, silent = np.array(raw), np.array([MISSED * len(series.windows) for series in every])
    random, found = np.random.default_rng(0), []
    for _ in range(HALVES // 2):
        half = random.permutation(len(every)) < len(every) // 2
        for chosen, judged in ((half, ~half), (~half, half)):
            choice = table[:, chosen].sum(axis=1).argmax()
            lost = silent[judged].sum()
            found.append(float(100 * (table[choice, judged].sum() + lost) / (2 * lost)))
    return found
