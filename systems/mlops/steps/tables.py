"""The data sets this system can learn from, one entry each: which rows belong to one person, and where a person lies
among all, which says whose parts he is in."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn

import pandas as pd

# Visits in a year that make a heavy user: the smallest count that at most a tenth of the person-years reach
# (9.2 % reach 8, 11.8 % reach 7).
HEAVY_USE = 8
SEED = 1974  # the year in which the experiment enrolled its first families
FORMERLY = "were set on validation people of a former dealing by row, some of whom are tested here."
LEAST = 50  # rows of either label, for anything to be learnt and judged


@dataclass(frozen=True)
class Dataset:
    """Where a data set lies, what is predicted, and what a model must not see."""

    file: str
    target: str
    labels: dict[str, int] = field(default_factory=dict)  # of the target's values; none: a count of visits
    late: tuple[str, ...] = ()  # known only after the answer is needed: published protocols alone may see them
    numeric: tuple[str, ...] = ()  # columns of text that hold numbers (blank: missing)
    repeated: bool = False  # consecutive rows with equal covariates are one person
    named: str = ""  # the column that names the person
    ordered: bool = False  # rows are in the order of time
    note: str = ""  # what its own results are told with


DATASETS = {
    "randhie": Dataset("randhie.csv", "mdvis", repeated=True),
    "telco_churn": Dataset(
        "telco_churn.csv.gz",
        "Churn",
        {"No": 0, "Yes": 1},
        numeric=("TotalCharges",),
        named="customerID",
        note=f"Dealt by `customerID`. Settings and ranges {FORMERLY}",
    ),
    "bank_marketing": Dataset(
        "bank_marketing_full.csv.gz",
        "y",
        {"no": 0, "yes": 1},
        late=("duration",),
        ordered=True,
        note="Without `duration`, which is known only after the call. The rows are in order of date, May 2008 to "
        "November 2010 (UCI), and so are the parts: earlier calls train, later ones test, the last are live. "
        f"Penalty, knots and sampling {FORMERLY}",
    ),
}


class Table(NamedTuple):
    """Row by row: the covariates, the label (0 or 1), the person, and where the person lies between 0 and 1."""

    covariates: pd.DataFrame
    label: pd.Series
    person: pd.Series
    place: pd.Series


def refuse(why: str) -> NoReturn:
    """One sentence and exit code 2, as for a wrong argument."""
    print(why, file=sys.stderr)
    raise SystemExit(2)


def load(name: str, folder: Path, published: bool = False, seed: int = SEED) -> Table:
    """The whole table; published: with what published protocols may see, and the places that deal their rows."""
    dataset, path = DATASETS[name], folder / DATASETS[name].file
    raw = read(path)
    for column in filter(None, (dataset.target, dataset.named, *dataset.numeric)):
        if column not in raw:
            refuse(f"{path} has no column {column}; its columns are {', '.join(map(str, raw))[:300]}.")
    label = labelled(raw.pop(dataset.target), dataset, path)
    names = raw.pop(dataset.named) if dataset.named else None
    covariates = raw if published else raw.drop(columns=list(dataset.late), errors="ignore")
    for column in dataset.numeric:
        covariates[column] = pd.to_numeric(covariates[column], errors="coerce")
    person = people(covariates, dataset.repeated, names)
    if dataset.ordered and not published:
        return Table(covariates, label, person, (person + 0.5) / len(person))
    known = person if published or names is None else names
    return Table(covariates, label, person, known.map({each: place(each, seed) for each in known.unique()}))


def read(path: Path) -> pd.DataFrame:
    """The file as it is."""
    try:
        return pd.read_csv(path)
    except (OSError, ValueError, EOFError) as problem:  # pandas' own errors of parsing are ValueErrors
        refuse(f"{path} cannot be read as a table: {problem}.")


def labelled(target: pd.Series, dataset: Dataset, path: Path) -> pd.Series:
    """The label of each row."""
    if dataset.labels:
        label, wanted = target.map(dataset.labels), " or ".join(dataset.labels)
    else:
        counts = pd.to_numeric(target, errors="coerce")
        label, wanted = (counts >= HEAVY_USE).where(counts.notna()), "a number"
    if label.isna().any():
        refuse(f"{path}: {dataset.target} is {wanted} in every row, but there is {target[label.isna()].iloc[0]!r}.")
    if (fewest := min((label == 0).sum(), (label == 1).sum())) < LEAST:
        refuse(f"{path} is too small to learn from: of one label it has {fewest} rows, and {LEAST} are needed.")
    return label.astype(int)


def people(covariates: pd.DataFrame, repeated: bool, names: pd.Series | None = None) -> pd.Series:
    """Number the persons: by name; or a new one begins where any covariate differs from the row before; or each row.

    Two people who follow one another with equal covariates count as one. That errs on the safe side: rows of one
    person are never told apart, so none can be in two splits.
    """
    if names is not None:
        return pd.Series(pd.factorize(names)[0], index=covariates.index)
    if not repeated:
        return pd.Series(range(len(covariates)), index=covariates.index)
    return covariates.ne(covariates.shift()).any(axis=1).cumsum() - 1


def place(name: object, seed: int = SEED) -> float:
    """Where a person lies between 0 and 1, evenly and for ever."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
