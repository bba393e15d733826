"""The transactions that a run learns from, with their features, and which weeks of them are tested."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import evaluate
import features
import numpy as np
import polars as pl
import simulate

CANONICAL = 115  # the first day of the handbook's training week, 2018-07-25
WARM = 30  # days before the earliest training week, so that windows are filled
VALIDATION = (28, 35, 42)  # first days of the training weeks that steps/search.py chose by
FILES = "handbook_sim_*.parquet"
COLUMNS = {
    "TX_DATETIME": pl.Datetime("us"),
    "CUSTOMER_ID": pl.Int64,
    "TERMINAL_ID": pl.Int64,
    "TX_AMOUNT": pl.Float64,
    "TX_TIME_DAYS": pl.Int64,
    "TX_FRAUD": pl.Int8,
    "TX_FRAUD_SCENARIO": pl.Int8,
}


class BadInput(Exception):
    """What was given cannot be used: one sentence for whoever gave it."""


@dataclass(frozen=True)
class Transactions:
    """A table in order of time, and its features in the same order, as the numbers of float32 that models read."""

    table: pl.DataFrame
    x: np.ndarray
    origin: str

    def fold(self, start: int) -> evaluate.Fold:
        return evaluate.fold(self.table, start)

    def truth(self, rows: np.ndarray) -> np.ndarray:
        return self.table["TX_FRAUD"].to_numpy()[rows].astype(float)

    def facts(self, begins: list[int]) -> dict[str, Any]:
        first = self.table["TX_DATETIME"].dt.date()
        day = self.table["TX_TIME_DAYS"]
        dates = [
            [str(first.filter(day == start + ahead).first()) for ahead in (0, evaluate.WEEK - 1, 14, 20)]
            for start in begins
        ]
        scenarios = self.table["TX_FRAUD_SCENARIO"].value_counts().sort("TX_FRAUD_SCENARIO").rows()
        return {"rows": len(self.table), "frauds": int(self.table["TX_FRAUD"].sum())} | {
            "scenarios": {int(kind): many for kind, many in scenarios if kind},
            "days": int(day.max()) + 1,
            "dates": dates,
        }


def load(folder: Path | None, small: bool = False) -> Transactions:
    """The files of a folder, or simulated transactions."""
    size: dict[str, int] = {"days": 80, "customers": 600, "terminals": 1200} if small else {}
    table = read(folder) if folder else typed(simulate.simulate(**size))
    origin = ", ".join(path.name for path in files(folder)) if folder else f"simulated, seed {simulate.SEED}"
    table = table.sort("TX_DATETIME", maintain_order=True)
    return Transactions(table, features.batch(table).to_numpy().astype(np.float32), origin)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob(FILES))


def typed(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())


def read(folder: Path) -> pl.DataFrame:
    """All files of a folder as one table; BadInput if they do not hold transactions."""
    if not files(folder):
        raise BadInput(f"{folder} has no {FILES}.")
    try:
        whole = pl.concat(typed(pl.read_parquet(path)) for path in files(folder))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadInput(f"{folder} does not hold transactions: {str(error).splitlines()[0]}.") from None
    if whole.is_empty() or whole.null_count().sum_horizontal()[0]:
        raise BadInput(f"{folder} has {'empty cells' if len(whole) else 'no transactions'}.")
    return whole


def starts(table: pl.DataFrame, folds: int, validated: bool) -> list[int]:
    """First days of the folds' training weeks, a week apart; the last is the handbook's own, or as late as possible.

    validated: these transactions chose the hyperparameters, so no week is tested that did.
    """
    latest = int(table["TX_TIME_DAYS"].max()) - 3 * evaluate.WEEK + 1  # type: ignore[arg-type]  # a number
    last = min(latest, CANONICAL)
    earliest = max(WARM + 2 * evaluate.WEEK, VALIDATION[-1] + evaluate.WEEK if validated else 0)
    possible = max(0, (last - earliest) // evaluate.WEEK + 1)
    if folds > possible:
        raise BadInput(f"These transactions have room for {possible} folds, not for {folds}.")
    return [last - evaluate.WEEK * back for back in range(folds)][::-1]
