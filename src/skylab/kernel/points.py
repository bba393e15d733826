"""The points of metrics, by trial component: each is kept once, and what they come to is kept with them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import sqrt
from typing import Any, NamedTuple

from skylab.kernel.store import Transaction

STEPLESS = -1


class Owner(NamedTuple):
    """A trial component, its name in small letters."""

    account: str
    region: str
    component: str


class Point(NamedTuple):
    ms: int
    step: int
    value: float


def add(tx: Transaction, owner: Owner, name: str, point: Point) -> bool:
    """False where there is another value at this time and step already; the same value again changes nothing."""
    row = tx.db.execute(
        "select id, count, least, most, mean, squares, last, last_ms from metric"
        " where (account, region, component, name) = (?, ?, ?, ?)",
        (*owner, name),
    ).fetchone()
    if row is None:
        values = (*owner, name, 1, point.value, point.value, point.value, 0.0, point.value, point.ms)
        made = tx.db.execute(
            "insert into metric (account, region, component, name, count, least, most, mean, squares, last, last_ms)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        tx.db.execute("insert into metric_point values (?, ?, ?, ?)", (made.lastrowid, *point))
        return True
    known = tx.db.execute(
        "select value from metric_point where (metric, ms, step) = (?, ?, ?)", (row[0], point.ms, point.step)
    ).fetchone()
    if known is not None:
        return bool(known[0] == point.value)
    tx.db.execute("insert into metric_point values (?, ?, ?, ?)", (row[0], *point))
    _count(tx, row, point)
    return True


def _count(tx: Transaction, row: Any, point: Point) -> None:
    """Welford's way: the mean and the squares go on without the points before."""
    id, count, least, most, mean, squares, last, last_ms = row
    count += 1
    away = point.value - mean
    mean += away / count
    squares += away * (point.value - mean)
    if point.ms >= last_ms:
        last, last_ms = point.value, point.ms
    tx.db.execute(
        "update metric set (count, least, most, mean, squares, last, last_ms) = (?, ?, ?, ?, ?, ?, ?) where id = ?",
        (count, min(least, point.value), max(most, point.value), mean, squares, last, last_ms, id),
    )


def summaries(tx: Transaction, account: str, region: str, component: str | None = None) -> dict[str, list[Any]]:
    """TrialComponentMetricSummary without its source, by component: of one of them, or of all."""
    rows = tx.db.execute(
        "select component, name, count, least, most, mean, squares, last, last_ms from metric"
        " where account = ? and region = ? and (? is null or component = ?) order by component, name",
        (account, region, component, component),
    )
    found: dict[str, list[Any]] = {}
    for owner, name, count, least, most, mean, squares, last, ms in rows:
        summary = {"MetricName": name, "Count": count, "Min": least, "Max": most, "Avg": mean, "Last": last}
        summary |= {"StdDev": sqrt(squares / count), "TimeStamp": datetime.fromtimestamp(ms / 1000, UTC)}
        found.setdefault(owner, []).append(summary)
    return found


def read(tx: Transaction, owner: Owner, name: str) -> Iterator[Point]:
    """By time, then step."""
    rows = tx.db.execute(
        "select p.ms, p.step, p.value from metric m join metric_point p on p.metric = m.id"
        " where (m.account, m.region, m.component, m.name) = (?, ?, ?, ?) order by p.ms, p.step",
        (*owner, name),
    )
    return (Point(*row) for row in rows)


def forget(tx: Transaction, owner: Owner) -> None:
    whose = "(select id from metric where (account, region, component) = (?, ?, ?))"
    tx.db.execute(f"delete from metric_point where metric in {whose}", owner)
    tx.db.execute("delete from metric where (account, region, component) = (?, ?, ?)", owner)
