"""Time series as DeepAR's records have them, and as GluonTS wants them.

https://docs.aws.amazon.com/sagemaker/latest/dg/deepar.html (input and output interface)
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from skylab.images.algorithms import channels
from skylab.images.deepar.hyperparameters import IGNORE
from skylab.images.failures import ClientError

Series = dict[str, Any]  # start: Period; target, feat_dynamic_real: arrays; feat_static_cat: a list


@dataclass(frozen=True)
class Form:
    """What all series of a model share. cardinality: of each category; dynamic: how many features vary with time."""

    frequency: str
    cardinality: tuple[int, ...] = ()
    dynamic: int = 0

    def series(self, given: Any, more: int = 0) -> Series:
        """more: how many steps the dynamic features go on after the target. Raises ValueError."""
        import pandas

        if not isinstance(given, dict) or not {"start", "target"} <= set(given):
            raise ValueError("a time series needs start and target")
        target = _numbers(given["target"])
        made: Series = {"start": pandas.Period(given["start"], freq=self.frequency), "target": target}
        if self.cardinality:
            made["feat_static_cat"] = self._categories(given.get("cat"))
        if self.dynamic:
            features = [_numbers(each) for each in given.get("dynamic_feat") or []]
            if len(features) != self.dynamic or any(len(each) != len(target) + more for each in features):
                raise ValueError(f"there should be {self.dynamic} dynamic_feat, each of {len(target) + more} values")
            made["feat_dynamic_real"] = numpy.nan_to_num(numpy.stack(features))
        return made

    def _categories(self, given: Any) -> list[int]:
        found = given if isinstance(given, list) else [given]
        if len(found) != len(self.cardinality) or any(type(each) is not int for each in found):
            raise ValueError(f"cat should be {len(self.cardinality)} integers")
        if any(not 0 <= each < size for each, size in zip(found, self.cardinality, strict=True)):
            raise ValueError(f"cat {found} is not below the cardinality {list(self.cardinality)}")
        return found


def form(raw: list[Any], values: dict[str, Any]) -> Form:
    """By the hyperparameters, where they are auto by the first series. Raises ClientError."""
    first = raw[0] if isinstance(raw[0], dict) else {}
    cardinality, dynamic = values["cardinality"], values["num_dynamic_feat"]
    if cardinality is None:
        cats = [each.get("cat") for each in raw if isinstance(each, dict)] if "cat" in first else []
        listed = [each if isinstance(each, list) else [each] for each in cats]
        try:
            cardinality = [int(max(column)) + 1 for column in zip(*listed, strict=True)]
        except (TypeError, ValueError) as error:
            raise ClientError(f"The field cat should be as many integers in each time series: {error}") from error
    if dynamic is None:
        dynamic = len(first.get("dynamic_feat") or [])
    return Form(
        values["time_freq"],
        () if cardinality == IGNORE else tuple(cardinality),
        0 if dynamic == IGNORE else dynamic,
    )


def read(folder: Path) -> list[Any]:
    """The records of a channel, as they are. Raises ClientError."""
    found: list[Any] = []
    for path in channels.files(folder):
        try:
            found += _parquet(path) if path.suffix == ".parquet" else _lines(path)
        except (ValueError, OSError, EOFError) as error:
            raise ClientError(f"{path.name} of channel '{folder.name}' cannot be read: {error}") from error
    if not found:
        raise ClientError(f"There is no data in channel '{folder.name}'.")
    return found


def made(raw: list[Any], form: Form, name: str) -> list[Series]:
    """Raises ClientError with the number of the series."""
    several = []
    for number, each in enumerate(raw, 1):
        try:
            several.append(form.series(each))
        except (ValueError, TypeError) as error:
            raise ClientError(f"Time series {number} of channel '{name}': {error}") from error
    return several


def _lines(path: Path) -> Iterator[Any]:
    opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    with opened as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def _parquet(path: Path) -> list[Any]:
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _numbers(values: Any) -> Any:
    if not isinstance(values, list):
        raise ValueError("target and dynamic_feat are lists of numbers")
    return numpy.array([numpy.nan if each is None else float(each) for each in values], dtype=numpy.float32)
