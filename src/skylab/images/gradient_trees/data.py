"""The csv files of a channel, the label first, and which of the columns are categories.

https://docs.aws.amazon.com/sagemaker/latest/dg/lightgbm.html (input and output interface)
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from skylab.images.algorithms import channels
from skylab.images.failures import ClientError

CATEGORIES = ("categorical_index.json", "cat_index.json")
KEY = "cat_index_list"
SHARE = 0.2  # of the training rows, held back where there is no validation channel


@dataclass(frozen=True)
class Table:
    """An empty cell is nan. float64, since categories may be large numbers."""

    features: Any
    labels: Any


def read(folder: Path) -> Table:
    """Raises ClientError."""
    found = [path for path in channels.files(folder) if path.suffix != ".json"]
    if not found:
        raise ClientError(f"There is no data in channel '{folder.name}'.")
    try:
        whole = numpy.concatenate([channels.csv(path.read_bytes(), "float64") for path in found])
    except ValueError as error:
        raise ClientError(
            f"The data of channel '{folder.name}' is not csv of numbers without a header: {error}"
        ) from error
    if whole.shape[1] < 2 or numpy.isnan(whole[:, 0]).any():
        raise ClientError(f"The data of channel '{folder.name}' needs a label in the first column, and features.")
    return Table(whole[:, 1:], whole[:, 0])


def categories(folder: Path, width: int) -> list[int]:
    """Numbers of features, from 0; in the file they are of columns, of which the label is number 0."""
    path = next((path for name in CATEGORIES for path in folder.rglob(name)), None)
    if path is None:
        return []
    try:
        listed = json.loads(path.read_bytes())[KEY]
        columns = [int(column) - 1 for column in listed]
    except (ValueError, KeyError, TypeError) as error:
        raise ClientError(f'{path.name} should be {{"{KEY}": [..]}}: {error}') from error
    if any(not 0 <= column < width for column in columns):
        raise ClientError(f"{path.name} names a column that is not in 1 to {width}.")
    return columns


def parted(table: Table) -> tuple[Table, Table]:
    """(train, validation) by chance."""
    order = numpy.random.default_rng(0).permutation(len(table.labels))
    held = order[: max(1, int(len(order) * SHARE))]
    rest = numpy.setdiff1d(order, held)
    if not len(rest):
        raise ClientError("There is too little data to hold some back for validation.")
    return Table(table.features[rest], table.labels[rest]), Table(table.features[held], table.labels[held])
