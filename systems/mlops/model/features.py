"""Raw covariates to the numbers both models read: the only place where that is decided, for training and serving alike.

The schema is learnt from the training people alone and travels with the data as schema.json. It is learnt in two
steps, so that several instances can each summarise their part of the people and merge what they found.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

Schema = dict[str, Any]
Summary = dict[str, Any]


def fit(covariates: pd.DataFrame) -> Schema:
    """Learn the schema: the median of each number, the levels of each category."""
    return merge([summarise(covariates)])


def summarise(covariates: pd.DataFrame) -> Summary:
    """How often each value occurs, by column: all that the schema is made of, and as JSON."""
    found = {}
    for name in covariates.columns:
        values = covariates[name].dropna()
        if pd.api.types.is_numeric_dtype(covariates[name]):
            counted = [[float(value), int(times)] for value, times in values.value_counts().items()]
            found[name] = {"numbers": counted}
        else:
            found[name] = {"levels": sorted(values.astype(str).unique())}
    return found


def merge(summaries: list[Summary]) -> Schema:
    """The schema of all people, however they were shared out."""
    columns: list[dict[str, Any]] = []
    for name in summaries[0]:
        parts = [summary[name] for summary in summaries]
        if any(part.get("levels") for part in parts) or all("levels" in part for part in parts):
            levels = {level for part in parts for level in part.get("levels", [])}
            columns.append({"name": name, "levels": sorted(levels)})
        else:
            columns.append({"name": name, "median": _median([pair for part in parts for pair in part["numbers"]])})
    return {"columns": columns}


def _median(counted: list[list[float]]) -> float:
    times: Counter[float] = Counter()
    for value, count in counted:
        times[value] += int(count)
    if not times:
        return 0.0  # a column without a value tells nothing either way
    values = sorted(times)
    reached = np.cumsum([times[value] for value in values])
    middle = [values[int(np.searchsorted(reached, rank, side="right"))] for rank in _ranks(int(reached[-1]))]
    return sum(middle) / len(middle)


def _ranks(count: int) -> list[int]:
    return [count // 2] if count % 2 else [count // 2 - 1, count // 2]


def names(schema: Schema) -> list[str]:
    """The encoded columns' names, in order."""
    found = []
    for column in schema["columns"]:
        levels = column.get("levels")
        found += [f"{column['name']}={level}" for level in levels] if levels is not None else [column["name"]]
    return found


def encode(covariates: pd.DataFrame, schema: Schema) -> np.ndarray:
    """Numbers as they are (missing: the median), categories one-hot (unknown: all zero). KeyError if a column lacks."""
    parts = []
    for column in schema["columns"]:
        values = covariates[column["name"]]
        if "levels" in column:
            parts.append(values.astype(str).to_numpy()[:, None] == np.array(column["levels"])[None, :])
        else:
            parts.append(values.astype(float).fillna(column["median"]).to_numpy()[:, None])
    return np.hstack(parts).astype(float)


def row(values: dict[str, Any], schema: Schema) -> str:
    """One raw row as the line of CSV an endpoint reads."""
    return ",".join(f"{number:.10g}" for number in encode(pd.DataFrame([values]), schema)[0])
