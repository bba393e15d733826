"""Several sources, one long format: group, series, t, y, split; a row an observation, in the order of arrival.

t counts periods (days since 1970, months since year 0, …), so that a gap is a missing whole number whatever the
frequency. split is train or test where a source says so (competitions do), else empty: prepare.py splits by time.
A reader belongs to a form of file; what a source calls its columns is said in READERS alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

COLUMNS = ["group", "series", "t", "y", "split"]
FREQUENCIES = {"D": "daily", "W": "weekly", "M": "monthly", "Q": "quarterly", "Y": "yearly"}
EVENTS = ("series", "at", "y")


def long(group: str, table: pd.DataFrame, frequency: str) -> pd.DataFrame:
    """series, at, y in the long format. at is a time; the period that it lies in counts."""
    at = pd.PeriodIndex(table["at"], freq=frequency)
    y = pd.to_numeric(table["y"], errors="coerce")
    named = {"group": f"{group}-{FREQUENCIES[frequency]}", "series": table["series"].astype(str), "t": at.asi8}
    return pd.DataFrame(named | {"y": y.astype(float), "split": ""})[COLUMNS].reset_index(drop=True)


def wide_csv(path: Path, frequency: str) -> pd.DataFrame:
    """A row for each series, named in the first column; a column for each date. Empty cells are gaps."""
    table = pd.read_csv(path)
    name = table.columns[0]
    rows = table.melt(id_vars=[name], var_name="at", value_name="y").rename(columns={name: "series"})
    return long(path.stem, rows.dropna(subset=["y"]), frequency)


def events(path: Path, frequency: str, names: tuple[str, str, str]) -> pd.DataFrame:
    """A JSON line for each observation, with a time zone: local time counts, as the meter shows it."""
    table = pd.read_json(path, lines=True, convert_dates=False)[list(names)].set_axis(EVENTS, axis=1)
    return long(path.stem, table.assign(at=table["at"].str[:10]), frequency)


def rows(path: Path, frequency: str, names: tuple[str, str, str]) -> pd.DataFrame:
    """A row for each observation."""
    return long(path.stem, pd.read_parquet(path)[list(names)].set_axis(EVENTS, axis=1), frequency)


def competition(path: Path, frequency: str | None) -> pd.DataFrame:
    """A competition's file: unique_id, t, y, split, and period where it holds several frequencies."""
    table = pd.read_parquet(path)
    period = table["period"].str.lower() if frequency is None else FREQUENCIES[frequency]
    table = table.assign(group=path.stem.partition("_")[0] + "-" + period)
    return table.rename(columns={"unique_id": "series"})[COLUMNS].astype({"t": "int64", "y": "float64"})


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "shops.csv": lambda path: wide_csv(path, "D"),
    "meters.jsonl": lambda path: events(path, "M", ("meter", "at", "kwh")),
    "accounts.parquet": lambda path: rows(path, "Q", ("account", "quarter", "revenue")),
    "m1.parquet": lambda path: competition(path, None),
    "m3_yearly_quarterly.parquet": lambda path: competition(path, None),
    "m4_weekly.parquet": lambda path: competition(path, "W"),
}


def known(folder: Path) -> list[Path]:
    """The files of a folder that have a reader."""
    return [folder / name for name in READERS if (folder / name).is_file()]


def ingest(folder: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each group of the folder's sources, by name. ValueError, which names the file, for one that cannot be read."""
    for path in known(folder):
        try:
            table = READERS[path.name](path)
        except KeyError as error:
            raise ValueError(f"{path.name} lacks a column: {error.args[0]}") from None
        except (ValueError, TypeError, AttributeError, OSError) as error:
            raise ValueError(f"{path.name} cannot be read: {' '.join(str(error).split())[:200]}") from None
        if table.empty:
            raise ValueError(f"{path.name} has no rows")
        for group, rows in table.groupby("group", sort=True):
            yield str(group), rows.reset_index(drop=True)
