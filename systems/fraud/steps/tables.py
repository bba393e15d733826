"""The transactions that a run learns from, with their features, and which weeks of them are tested."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import evaluate
import features
import numpy as np
import polars as pl
import simulate

CANONICAL = 115  # the first day of the handbook's training week, 2018-07-25
WARM = 30  # days before the earliest training week, so that windows are filled


@dataclass(frozen=True)
class Transactions:
    """A table in order of time, and its features in the same order, as the numbers of float32 that models read."""

    FILES: ClassVar[str] = "handbook_sim_*.parquet"

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


def load(folder: Path | None, work: Path, small: bool = False) -> Transactions:
    """The files of a folder, or simulated transactions, which are kept in the work folder."""
    if folder:
        files = sorted(folder.glob(Transactions.FILES))
        table = pl.concat([pl.read_parquet(path) for path in files])
        origin = ", ".join(path.name for path in files)
    else:
        size: dict[str, int] = {"days": 80, "customers": 600, "terminals": 1200} if small else {}
        kept = work / f"simulated-{simulate.SEED}{'-small' if small else ''}.parquet"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            simulate.simulate(**size).write_parquet(kept)
        table, origin = pl.read_parquet(kept), f"simulated, seed {simulate.SEED}"
    table = table.sort("TX_DATETIME", maintain_order=True).with_columns(pl.col("TX_TIME_DAYS").cast(pl.Int64))
    return Transactions(table, features.batch(table).to_numpy().astype(np.float32), origin)


def starts(table: pl.DataFrame, folds: int) -> list[int]:
    """First days of the folds' training weeks, a week apart; the last is the handbook's own, or as late as possible."""
    latest = int(table["TX_TIME_DAYS"].max()) - 3 * evaluate.WEEK + 1  # type: ignore[arg-type]  # a number
    last = min(latest, CANONICAL)
    found = [last - evaluate.WEEK * back for back in range(folds)][::-1]
    if found[0] - 2 * evaluate.WEEK < WARM:
        possible = (last - 2 * evaluate.WEEK - WARM) // evaluate.WEEK + 1
        raise SystemExit(f"These transactions have room for {max(0, possible)} folds, not for {folds}.")
    return found
