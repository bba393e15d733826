"""The protocols behind published figures: which rows of a data set each split tests, and what others have reached.

A protocol deals rows as its publication does, by scikit-learn's splitter and seed. `shards.py` writes beside each row
which splits test it, so that any number of instances of `prepare` can deal them without seeing one another's rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit


@dataclass(frozen=True)
class Protocol:
    """Splits, and the figures reached by them; wanted: the mean AUC that this system is to reach."""

    splitter: Any
    splits: int
    said: str
    figures: str
    wanted: float


PROTOCOLS = {
    "telco_churn": Protocol(
        StratifiedShuffleSplit(n_splits=3, test_size=0.25, random_state=1337),
        3,
        "AUC over StratifiedShuffleSplit(n_splits=3, test_size=0.25, random_state=1337)",
        "0.849 logistic regression, 0.828 XGBoost, 0.852 EBM (github.com/interpretml/interpret, README)",
        0.850,
    ),
    "bank_marketing": Protocol(
        StratifiedKFold(10, shuffle=True, random_state=0),
        10,
        "AUC over StratifiedKFold(10, shuffle=True, random_state=0), `duration` included",
        "0.9306 random forest, 0.9343 TPOT, 0.9369 auto-sklearn, 0.9371 H2O "
        "(github.com/openml/automlbenchmark, 4 hours each, OpenML's own ten folds)",
        0.937,
    ),
}


def tested(dataset: str, label: pd.Series) -> pd.Series:
    """For each row the numbers of the splits that test it, such as |0|2|; | alone where none does."""
    found = pd.Series("|", index=label.index)
    if dataset in PROTOCOLS:
        for number, (_, rows) in enumerate(PROTOCOLS[dataset].splitter.split(label, label)):
            found.iloc[rows] += f"{number}|"
    return found
