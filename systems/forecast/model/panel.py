"""A group of series of one frequency, as the training channel has it, and its rolling origins.

Origin 0 is the end of the history: what is forecast from there is judged on the test part. Origins 1, 2, … lie so many
periods before it that their whole horizon is history: by them members are selected and weighted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

SHORTEST = 5  # periods of history that an origin needs at least, beside two seasons


@dataclass(frozen=True)
class Group:
    """origins: how many before the end; step: periods between two of them."""

    name: str
    season: int
    horizon: int
    origins: int
    step: int
    series: dict[str, np.ndarray]

    def cut(self, origin: int) -> dict[str, np.ndarray]:
        """The histories up to an origin, of the series that are long enough for it."""
        off = 0 if origin == 0 else self.horizon + (origin - 1) * self.step
        shortest = 0 if origin == 0 else max(SHORTEST, 2 * self.season)
        return {name: y[: len(y) - off] for name, y in self.series.items() if len(y) - off >= max(shortest, 1)}

    def truth(self, origin: int) -> dict[str, np.ndarray]:
        """What followed an origin (1 or more)."""
        off = self.horizon + (origin - 1) * self.step
        return {name: self.series[name][-off:][: self.horizon] for name in self.cut(origin)}


def read(folder: Path) -> list[Group]:
    """The groups of a training channel."""
    groups = json.loads((folder / "groups.json").read_text())
    return [Group(name, series=histories(folder / f"{name}.parquet"), **facts) for name, facts in groups.items()]


def histories(path: Path) -> dict[str, np.ndarray]:
    table = pd.read_parquet(path).sort_values(["series", "t"], kind="stable")
    return {str(name): rows["y"].to_numpy(float) for name, rows in table.groupby("series", sort=True)}


def sample(group: Group, most: int, seed: int) -> Group:
    """So many of its series, drawn by the seed; all of them for 0."""
    if not 0 < most < len(group.series):
        return group
    names = sorted(np.random.default_rng(seed).choice(sorted(group.series), most, replace=False))
    kept = {str(name): group.series[str(name)] for name in names}
    return Group(group.name, group.season, group.horizon, group.origins, group.step, kept)
