"""The members of the ensemble as the built-in images left them, and what the stacker reads of a transaction.

    xgboost, lightgbm    boosted trees: log-odds
    forest               LightGBM's random forest: the mean of its trees' shares of frauds, as log-odds. What half a
                         tree says is added to either side, since a mean of a hundred trees is often 0
    anomaly              the random cut forest's score, which comes from elsewhere: a batch transform

A leaf of LightGBM's random forest is one Newton step from the log-odds of all rows, and a step's length is linear in
the leaf's share of frauds. So a sum over the trees is as far between the lowest that there can be (no fraud in any
leaf) and the highest as the mean share is between 0 and 1.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import xgboost

TREES = ("xgboost", "lightgbm", "forest")
MEMBERS = (*TREES, "anomaly")
FILES = {"xgboost": "xgboost-model", "lightgbm": "model.txt", "forest": "model.txt"}
MODEL = "model.tar.gz"


def member(artifact: Path, name: str) -> bytes:
    """One file of a model.tar.gz."""
    with tarfile.open(artifact) as archive:
        found = archive.extractfile(name)
        assert found
        return found.read()


@dataclass(frozen=True)
class Members:
    """Three models; lowest, highest: what the trees of the random forest can sum up to."""

    boosted: xgboost.Booster
    light: lightgbm.Booster
    forest: lightgbm.Booster
    lowest: float
    highest: float

    @classmethod
    def of(cls, boosted: xgboost.Booster, light: lightgbm.Booster, forest: lightgbm.Booster) -> Members:
        return cls(boosted, light, forest, forest.lower_bound(), forest.upper_bound())

    @classmethod
    def read(cls, artifacts: Mapping[str, Path]) -> Members:
        """From the model.tar.gz of each kind."""
        boosted = xgboost.Booster()
        boosted.load_model(bytearray(member(artifacts["xgboost"], FILES["xgboost"])))
        light, forest = (
            lightgbm.Booster(model_str=member(artifacts[kind], FILES[kind]).decode()) for kind in TREES[1:]
        )
        return cls.of(boosted, light, forest)

    @property
    def half(self) -> float:
        """Half of one tree's say."""
        return 0.5 / self.forest.num_trees()

    def words(self, x: np.ndarray, **more: Any) -> np.ndarray:
        """Three log-odds for each row of features. more: for LightGBM's predict."""
        known = np.ascontiguousarray(x, dtype=np.float32)
        raw = self.forest.predict(known, raw_score=True, **more)
        share = (raw - self.lowest) / (self.highest - self.lowest)
        voted = np.log((share + self.half) / (1 - share + self.half))
        margin = self.boosted.inplace_predict(known, predict_type="margin")
        return np.column_stack([margin, self.light.predict(known, raw_score=True, **more), voted])

    def all(self, x: np.ndarray, anomaly: np.ndarray) -> np.ndarray:
        """What the stacker reads."""
        return np.column_stack([self.words(x), anomaly])
