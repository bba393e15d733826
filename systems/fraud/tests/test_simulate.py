import numpy as np
import polars as pl
import pytest
from simulate import simulate


@pytest.fixture(scope="module")
def table():
    return simulate(days=60, customers=1000, terminals=2000, seed=3)


def test_the_same_seed_gives_the_same_transactions_and_another_gives_others():
    once, again, other = (simulate(days=3, customers=50, terminals=800, seed=seed) for seed in (1, 1, 2))
    assert once.equals(again) and not once.equals(other)


def test_customers_buy_two_times_a_day_on_average_mostly_at_noon(table):
    assert len(table) / 60 / 1000 == pytest.approx(1.92, abs=0.1)  # a mean rate of 2, less 3 % outside of the day
    hour = table["TX_DATETIME"].dt.hour()
    assert hour.mean() == pytest.approx(11.5, abs=0.1) and hour.std() == pytest.approx(5.2, abs=0.2)
    assert table["TX_AMOUNT"].mean() == pytest.approx(54, abs=3) and table["TX_AMOUNT"].min() >= 0


def test_rows_are_in_order_of_time_and_their_columns_agree(table):
    assert table["TX_DATETIME"].is_sorted()
    assert (table["TX_TIME_SECONDS"] // 86_400 == table["TX_TIME_DAYS"]).all()
    assert ((table["TX_FRAUD_SCENARIO"] > 0) == (table["TX_FRAUD"] == 1)).all()


def test_every_large_amount_is_a_fraud_and_honest_ones_are_not_large(table):
    assert table.filter(pl.col("TX_AMOUNT") > 220)["TX_FRAUD"].min() == 1
    assert table.filter(pl.col("TX_FRAUD_SCENARIO") == 1)["TX_AMOUNT"].min() > 220


def test_a_taken_terminal_defrauds_all_of_its_transactions_of_28_days():
    table = simulate(days=40, customers=300, terminals=600, seed=5)
    shop = table.filter(pl.col("TX_FRAUD_SCENARIO") == 2)["TERMINAL_ID"].value_counts().sort("count")[-1, 0]
    own = table.filter(pl.col("TERMINAL_ID") == shop).sort("TX_DATETIME")
    first = own.filter(pl.col("TX_FRAUD_SCENARIO") == 2)["TX_TIME_DAYS"].min()
    within = own.filter(pl.col("TX_TIME_DAYS").is_between(first, first + 14))
    assert within["TX_FRAUD"].min() == 1


def test_a_taken_card_pays_five_times_as_much_in_a_third_of_its_purchases(table):
    stolen = table.filter(pl.col("TX_FRAUD_SCENARIO") == 3)
    honest = table.filter(pl.col("TX_FRAUD") == 0)
    ratio = stolen["TX_AMOUNT"].mean() / honest["TX_AMOUNT"].mean()
    assert 4 < ratio < 6.5  # cards that buy often are taken in more of their purchases, not for larger amounts
    assert np.isclose(len(stolen) / (60 * 3), 14 * 2 / 3, rtol=0.25)
