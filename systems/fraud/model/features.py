"""A raw transaction to fifteen numbers: the only place where that is decided, for training and serving alike.

    amount, weekend, night       of the transaction itself (night: until 6:59)
    customer_nb_*, _average_*    transactions and mean amount of the card over 1, 7 and 30 days, this one included
    terminal_nb_*, _risk_*       transactions of the terminal, and the share of frauds among them, over 1, 7 and 30 days
                                 that ended seven days ago: until then nobody knows what was a fraud

`batch` works on a whole table with Polars, `State` on one event at a time; both count whole numbers (seconds, cents),
so they agree to the last digit. A window of d days ends at the transaction and leaves its other end out: (t - d, t].
Of transactions in the same second those that came earlier in the table count, the later do not.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field

import polars as pl

DAY = 86_400
WINDOWS = (1, 7, 30)  # days
DELAY = 7  # days until a fraud is known
KEPT = (max(WINDOWS) + DELAY) * DAY  # seconds after which an event is in no window any more
NAMES = (
    ["amount", "weekend", "night"]
    + [f"customer_{what}_{days}" for what in ("nb", "average") for days in WINDOWS]
    + [f"terminal_{what}_{days}" for what in ("nb", "risk") for days in WINDOWS]
)


@dataclass
class Card:
    """The times of a card's transactions, and what had been spent after each, in cents."""

    times: list[int] = field(default_factory=list)
    spent: list[int] = field(default_factory=list)


@dataclass
class Terminal:
    """The times of a terminal's transactions, and of those that were reported as frauds."""

    times: list[int] = field(default_factory=list)
    frauds: list[int] = field(default_factory=list)


@dataclass
class State:
    """What must be remembered to score the next event. Events come in order of time."""

    cards: dict[int, Card] = field(default_factory=dict)
    terminals: dict[int, Terminal] = field(default_factory=dict)

    def event(self, time: int, customer: int, terminal: int, amount: float) -> list[float]:
        """Take in one transaction; return its features in the order of NAMES. time: seconds since 1970, no zone."""
        card = self.cards.setdefault(customer, Card())
        shop = self.terminals.setdefault(terminal, Terminal())
        card.times.append(time)
        card.spent.append(round(amount * 100) + (card.spent[-1] if card.spent else 0))
        shop.times.append(time)
        found = [amount, float((time // DAY + 3) % 7 >= 5), float(time % DAY // 3600 <= 6)]  # 1970 began on a Thursday
        found += spending(card, time) + risks(shop, time)
        forget(card, shop, time - KEPT)
        return found

    def report(self, terminal: int, time: int) -> None:
        """A transaction turned out to be a fraud. Told later than DELAY after it, some scores were made without it."""
        shop = self.terminals.get(terminal)
        if shop is not None:
            insort(shop.frauds, time)


def spending(card: Card, time: int) -> list[float]:
    """Number and mean amount over each window, the transaction of now being the last."""
    counts, means = [], []
    for days in WINDOWS:
        before = bisect_right(card.times, time - days * DAY)
        many = len(card.times) - before
        cents = card.spent[-1] - (card.spent[before - 1] if before else 0)
        counts.append(float(many))
        means.append(cents / (100 * many))
    return counts + means


def risks(shop: Terminal, time: int) -> list[float]:
    """Number and share of frauds over each window that ended DELAY days ago; 0 where there was nothing."""
    known = time - DELAY * DAY
    counts, shares = [], []
    for days in WINDOWS:
        many, frauds = (
            bisect_right(times, known) - bisect_right(times, known - days * DAY) for times in (shop.times, shop.frauds)
        )
        counts.append(float(many))
        shares.append(frauds / many if many else 0.0)
    return counts + shares


def forget(card: Card, shop: Terminal, until: int) -> None:
    """Drop what no window reaches, now and then: the first sum that is kept must be the one before the window."""
    if len(card.times) > 64 and card.times[32] <= until:
        del card.times[:32], card.spent[:32]
    if len(shop.times) > 64 and shop.times[32] <= until:
        del shop.times[:32]
        del shop.frauds[: bisect_right(shop.frauds, until)]


def batch(transactions: pl.DataFrame) -> pl.DataFrame:
    """The features of a table in order of time, column by column as in NAMES, with its rows in their order."""
    table = transactions.select(
        row=pl.int_range(pl.len()),
        time=pl.col("TX_DATETIME").dt.epoch("s"),
        customer="CUSTOMER_ID",
        terminal="TERMINAL_ID",
        amount=pl.col("TX_AMOUNT").cast(pl.Float64),
        cents=(pl.col("TX_AMOUNT").cast(pl.Float64) * 100).round(0).cast(pl.Int64),
        fraud=pl.col("TX_FRAUD").cast(pl.Int64),
        weekend=(pl.col("TX_DATETIME").dt.weekday() >= 6).cast(pl.Float64),
        night=(pl.col("TX_DATETIME").dt.hour() <= 6).cast(pl.Float64),
    )
    table = table.with_columns(
        many=pl.int_range(1, pl.len() + 1).over("customer"),
        spent=pl.col("cents").cum_sum().over("customer"),
        seen=pl.int_range(1, pl.len() + 1).over("terminal"),
        frauds=pl.col("fraud").cum_sum().over("terminal"),
    )
    known = until(table, "terminal", ["seen", "frauds"], DELAY)
    for days in WINDOWS:
        before = until(table, "customer", ["many", "spent"], days)
        count = table["many"] - before["many"]
        risky = until(table, "terminal", ["seen", "frauds"], days + DELAY)
        seen, frauds = known["seen"] - risky["seen"], known["frauds"] - risky["frauds"]
        table = table.with_columns(
            count.cast(pl.Float64).alias(f"customer_nb_{days}"),
            ((table["spent"] - before["spent"]) / (100 * count)).alias(f"customer_average_{days}"),
            seen.cast(pl.Float64).alias(f"terminal_nb_{days}"),
            (frauds / seen).fill_nan(0.0).alias(f"terminal_risk_{days}"),
        )
    return table.select(NAMES)


def until(table: pl.DataFrame, key: str, totals: list[str], days: int) -> pl.DataFrame:
    """For each row the totals of its card or terminal as they stood so many days before it, 0 where there were none."""
    asked = table.select("row", key, time=pl.col("time") - days * DAY).sort("time")
    found = asked.join_asof(table.select(key, "time", *totals), on="time", by=key, check_sortedness=False)
    return found.sort("row").select(pl.col(totals).fill_null(0))
