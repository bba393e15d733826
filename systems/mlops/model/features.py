"""Raw covariates to the numbers both models read: the only place where that is decided, for training and serving alike.

The schema is learnt from the training people alone and travels with the data as schema.json.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Schema = dict[str, Any]


def fit(covariates: pd.DataFrame) -> Schema:
    """Learn the schema: the median of each number, the levels of each category."""
    columns: list[dict[str, Any]] = []
    for name in covariates.columns:
        values = covariates[name]
        if pd.api.types.is_numeric_dtype(values):
            columns.append({"name": name, "median": float(values.median())})
        else:
            columns.append({"name": name, "levels": sorted(values.dropna().astype(str).unique())})
    return {"columns": columns}


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
