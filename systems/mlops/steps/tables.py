"""The data sets this system can learn from, one entry each, and which of their rows belong to one person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

# Visits in a year that make a heavy user: the smallest count that at most a tenth of the person-years reach
# (9.2 % reach 8, 11.8 % reach 7).
HEAVY_USE = 8


@dataclass(frozen=True)
class Dataset:
    """Where a data set lies, what is predicted, and what a model must not see."""

    file: str
    target: str
    positive: Callable[[pd.Series], pd.Series]
    drop: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()  # columns of text that hold numbers (blank: missing)
    repeated: bool = False  # consecutive rows with equal covariates are one person


DATASETS = {
    "randhie": Dataset("randhie.csv", "mdvis", lambda visits: visits >= HEAVY_USE, repeated=True),
    "telco_churn": Dataset(
        "telco_churn.csv.gz", "Churn", lambda answer: answer == "Yes", drop=("customerID",), numeric=("TotalCharges",)
    ),
    "bank_marketing": Dataset("bank_marketing_full.csv.gz", "y", lambda answer: answer == "yes"),
}


def load(name: str, folder: Path) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return the covariates, the label (0 or 1) and the person each row belongs to."""
    dataset = DATASETS[name]
    raw = pd.read_csv(folder / dataset.file)
    label = dataset.positive(raw[dataset.target]).astype(int)
    covariates = raw.drop(columns=[dataset.target, *dataset.drop])
    for column in dataset.numeric:
        covariates[column] = pd.to_numeric(covariates[column], errors="coerce")
    return covariates, label, people(covariates, dataset.repeated)


def people(covariates: pd.DataFrame, repeated: bool) -> pd.Series:
    """Number the persons: a new one begins where any covariate differs from the row before.

    Two people who follow one another with equal covariates count as one. That errs on the safe side: rows of one
    person are never told apart, so none can be in two splits.
    """
    if not repeated:
        return pd.Series(range(len(covariates)), index=covariates.index)
    return covariates.ne(covariates.shift()).any(axis=1).cumsum() - 1
