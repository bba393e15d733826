"""A group of series of one frequency, as the training channel has it, and its rolling origins.

Origin 0 is the end of the history: what is forecast from there is judged on the test part. Origins 1, 2, … lie so many
periods before it that their whole horizon is history: by them members are selected and weighted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 7
JUDGED = 100  # series of a group, drawn by the seed, that the origins before the end are for: weights need no more
SHORTEST = 5  # periods of history that an origin needs at least, beside two seasons


@dataclass(frozen=True)
class Group:
    """origins: how many before the end; step: periods between two of them; cycle: what members adjust for beyond the
    season that MASE and Naive2 know; the same where there is none."""

    name: str
    season: int
    horizon: int
    origins: int
    step: int
    series: dict[str, np.ndarray]
    judged: frozenset[str]
    cycle: int = 1

    def cut(self, origin: int) -> dict[str, np.ndarray]:
        """The histories up to an origin: of all series at the end, before it of those judged and long enough."""
        found = self.known(origin)
        return found if origin == 0 else {name: y for name, y in found.items() if name in self.judged}

    def known(self, origin: int) -> dict[str, np.ndarray]:
        """The histories up to an origin of all series that are long enough: what a model of all learns from there."""
        if origin == 0:
            return dict(self.series)
        off, least = self.horizon + (origin - 1) * self.step, shortest(self.season)
        return {name: y[: len(y) - off] for name, y in self.series.items() if len(y) - off >= least}

    def only(self, names: list[str]) -> Group:
        """The same group with these series alone."""
        return replace(self, series={name: self.series[name] for name in names})

    def truth(self, origin: int) -> dict[str, np.ndarray]:
        """What followed an origin (1 or more)."""
        off = self.horizon + (origin - 1) * self.step
        return {name: self.series[name][-off:][: self.horizon] for name in self.cut(origin)}


def shortest(season: int) -> int:
    """Periods of history that an origin needs."""
    return max(SHORTEST, 2 * season)


def read(folder: Path) -> list[Group]:
    """The groups of a training channel."""
    groups, found = json.loads((folder / "groups.json").read_text()), []
    for name, facts in groups.items():
        series = histories(folder / f"{name}.parquet")
        found.append(Group(name, series=series, judged=frozenset(drawn(list(series), JUDGED)), **facts))
    return found


def histories(path: Path) -> dict[str, np.ndarray]:
    table = pd.read_parquet(path).sort_values(["series", "t"], kind="stable")
    return {str(name): rows["y"].to_numpy(float) for name, rows in table.groupby("series", sort=True)}


def drawn(names: list[str], most: int) -> list[str]:
    """So many of the names, by the seed; all of them for 0."""
    if not 0 < most < len(names):
        return names
    order = np.random.default_rng(SEED).permutation(len(names))
    return sorted(names[place] for place in order[:most])
