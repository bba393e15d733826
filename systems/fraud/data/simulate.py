"""Card transactions with three kinds of fraud, as the Fraud Detection Handbook specifies them (chapter 3, section 2).

    python data/simulate.py --days 183 --to work/transactions.parquet

    customers    a place in a square of 100 x 100; a mean amount in 5 to 100, its deviation half of that; 0 to 4 a day
    terminals    a place in the same square; a customer uses those within a radius of 5
    scenario 1   every amount above 220 is a fraud
    scenario 2   each day two terminals are taken: all their transactions of the next 28 days are frauds
    scenario 3   each day three cards are taken: of their transactions of the next 14 days a third is five times as
                 large and a fraud

A whole period is drawn at once with NumPy, so 180 days take seconds. Chance is seeded, but it is not the handbook's
own sequence of draws: the two agree in distribution, not row by row (https://fraud-detection-handbook.github.io).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl

CUSTOMERS, TERMINALS, RADIUS, SQUARE = 5000, 10_000, 5.0, 100.0
START = "2018-04-01"
DAYS = 183
SEED = 0
DAY = 86_400
LARGE = 220.0  # scenario 1
TERMINALS_A_DAY, TERMINAL_DAYS = 2, 28  # scenario 2
CARDS_A_DAY, CARD_DAYS, CARD_FACTOR, CARD_SHARE = 3, 14, 5, 3  # scenario 3: one in CARD_SHARE


def reachable(random: np.random.Generator, customers: int, terminals: int) -> tuple[np.ndarray, np.ndarray]:
    """Which terminals each customer uses: (terminal of every pair, where each customer's begin)."""
    home, shop = (random.uniform(0, SQUARE, (count, 2)) for count in (customers, terminals))
    found = [np.flatnonzero(((shop - place) ** 2).sum(axis=1) < RADIUS**2) for place in home]
    return np.concatenate(found), np.concatenate([[0], np.cumsum([len(near) for near in found])])


def purchases(random: np.random.Generator, days: int, customers: int, terminals: int) -> dict[str, np.ndarray]:
    """What honest customers do, in order of time."""
    mean, rate = random.uniform(5, 100, customers), random.uniform(0, 4, customers)
    near, begins = reachable(random, customers, terminals)
    many = random.poisson(rate[:, None], (customers, days)) * (np.diff(begins) > 0)[:, None]
    customer = np.repeat(np.arange(customers), many.sum(axis=1))
    day = np.repeat(np.tile(np.arange(days), customers), many.ravel())
    second = random.normal(DAY / 2, 20_000, len(day)).astype(int)
    kept = (second > 0) & (second < DAY)
    customer, day, second = customer[kept], day[kept], second[kept]
    amount = random.normal(mean[customer], mean[customer] / 2)
    amount = np.where(amount < 0, random.uniform(0, 2 * mean[customer]), amount).round(2)
    width = np.diff(begins)[customer]
    terminal = near[begins[customer] + (random.random(len(day)) * width).astype(int)]
    order = np.argsort(day * DAY + second, kind="stable")
    columns = {"customer": customer, "terminal": terminal, "amount": amount, "day": day, "second": second}
    return {name: values[order] for name, values in columns.items()}


def taken(random: np.random.Generator, days: int, count: int, each: int, lasts: int) -> np.ndarray:
    """A table of days x things: is the thing in the hands of fraudsters on that day?"""
    table = np.zeros((days, count), bool)
    for day in range(days):
        table[day : day + lasts, random.choice(count, min(each, count), replace=False)] = True
    return table


def defraud(random: np.random.Generator, made: dict[str, np.ndarray], days: int, cards: int, terminals: int) -> None:
    """Mark the frauds, in the handbook's order: a later scenario takes over from an earlier one."""
    scenario = np.where(made["amount"] > LARGE, 1, 0)
    shops = taken(random, days, terminals, TERMINALS_A_DAY, TERMINAL_DAYS)
    scenario[shops[made["day"], made["terminal"]]] = 2
    rows = np.argsort(made["customer"], kind="stable")  # each customer's in order of time
    begins = np.searchsorted(made["customer"][rows], np.arange(cards + 1))
    for day in range(days):
        for card in random.choice(cards, min(CARDS_A_DAY, cards), replace=False):
            own = rows[begins[card] : begins[card + 1]]
            own = own[(made["day"][own] >= day) & (made["day"][own] < day + CARD_DAYS)]
            chosen = random.choice(own, len(own) // CARD_SHARE, replace=False) if len(own) else own
            made["amount"][chosen] *= CARD_FACTOR
            scenario[chosen] = 3
    made["scenario"] = scenario


def simulate(
    days: int = DAYS, customers: int = CUSTOMERS, terminals: int = TERMINALS, seed: int = SEED, start: str = START
) -> pl.DataFrame:
    """The transactions of so many days, in the handbook's columns."""
    random = np.random.default_rng(seed)
    made = purchases(random, days, customers, terminals)
    defraud(random, made, days, customers, terminals)
    seconds = made["day"] * DAY + made["second"]
    return pl.DataFrame(
        {
            "TRANSACTION_ID": np.arange(len(seconds)),
            "TX_DATETIME": np.datetime64(start, "us") + seconds.astype("timedelta64[s]"),
            "CUSTOMER_ID": made["customer"].astype(np.int32),
            "TERMINAL_ID": made["terminal"].astype(np.int32),
            "TX_AMOUNT": made["amount"].round(2),
            "TX_TIME_SECONDS": seconds,
            "TX_TIME_DAYS": made["day"].astype(np.int32),
            "TX_FRAUD": (made["scenario"] > 0).astype(np.int8),
            "TX_FRAUD_SCENARIO": made["scenario"].astype(np.int8),
        }
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--terminals", type=int, default=TERMINALS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--to", type=Path, default=Path(__file__).with_name("transactions.parquet"))
    args = parser.parse_args()
    table = simulate(args.days, args.customers, args.terminals, args.seed)
    args.to.parent.mkdir(parents=True, exist_ok=True)
    table.write_parquet(args.to)
    counts = table["TX_FRAUD_SCENARIO"].value_counts().sort("TX_FRAUD_SCENARIO").rows()
    said = ", ".join(f"scenario {kind}: {many:,}" for kind, many in counts if kind)
    print(f"{args.to}: {len(table):,} transactions, {table['TX_FRAUD'].mean():.3%} fraud ({said})")
