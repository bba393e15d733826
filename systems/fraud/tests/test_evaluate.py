import numpy as np
import polars as pl
import pytest
from evaluate import (
    auc,
    average_precision,
    averaged,
    by_day,
    calibration_slope,
    card_precision,
    difference,
    fold,
    judge,
)
from simulate import simulate
from sklearn.metrics import average_precision_score, roc_auc_score


@pytest.fixture(scope="module")
def table():
    return simulate(days=40, customers=500, terminals=1000, seed=1)


def test_train_and_test_are_a_week_each_with_a_week_between(table):
    found = fold(table, 10)
    day = table["TX_TIME_DAYS"].to_numpy()
    assert set(day[found.train]) == set(range(10, 17)) and set(day[found.test]) == set(range(24, 31))


def test_cards_known_to_be_defrauded_are_blocked_each_day_anew(table):
    """As the handbook's get_train_test_set, written plainly."""
    pandas_like = table.select("TX_TIME_DAYS", "CUSTOMER_ID", "TX_FRAUD").rows()
    blocked = {card for day, card, fraud in pandas_like if 10 <= day < 17 and fraud}
    wanted = []
    for ahead in range(7):
        blocked |= {card for day, card, fraud in pandas_like if day == 16 + ahead and fraud}
        wanted += [at for at, (day, card, _) in enumerate(pandas_like) if day == 24 + ahead and card not in blocked]
    assert fold(table, 10).test.tolist() == wanted and len(blocked) > 10


def test_auc_and_average_precision_are_scikit_learns_with_ties_and_weights():
    random = np.random.default_rng(0)
    truth, score = (random.random(500) < 0.2).astype(float), random.integers(0, 40, 500) / 7.0
    weight = random.integers(0, 4, 500).astype(float)
    for given in (None, weight):
        assert auc(truth, score, given) == pytest.approx(roc_auc_score(truth, score, sample_weight=given))
        wanted = average_precision_score(truth, score, sample_weight=given)
        assert average_precision(truth, score, given) == pytest.approx(wanted)


def lines(day, card, terminal, fraud):
    return pl.DataFrame({"TX_TIME_DAYS": day, "CUSTOMER_ID": card, "TERMINAL_ID": terminal, "TX_FRAUD": fraud})


def test_card_precision_counts_cards_once_and_forgets_those_found():
    """Day 0: cards 1 (fraud) and 2 lead; day 1: card 1 is out, so 3 (fraud) and 2 lead."""
    table = lines([0, 0, 0, 1, 1, 1], [1, 2, 3, 1, 2, 3], [0] * 6, [1, 0, 0, 1, 0, 1])
    days = by_day(table, np.array([0.9, 0.8, 0.1, 0.9, 0.3, 0.2]))
    assert card_precision(days, top=2) == pytest.approx((1 / 2 + 1 / 2) / 2)
    times = np.array([0, 2, 1, 1])[days.card]
    assert card_precision(days, times, top=2) == pytest.approx((2 / 2 + 1 / 2) / 2)


def test_the_terminal_of_a_cards_day_is_that_of_its_fraud_or_else_its_first():
    table = lines([0] * 5, [1, 1, 1, 2, 2], [5, 6, 7, 8, 9], [0, 1, 1, 0, 0])
    days = by_day(table, np.array([0.9, 0.1, 0.2, 0.3, 0.8]))
    assert days.card.tolist() == [1, 2] and days.terminal.tolist() == [6, 8] and days.fraud.tolist() == [True, False]


def test_the_better_model_is_better_on_the_same_resamples(table):
    truth = table["TX_FRAUD"].to_numpy()
    random = np.random.default_rng(0)
    scores = {"good": 3 * truth + random.normal(size=len(truth)), "blind": random.normal(size=len(truth))}
    one = judge(table, np.arange(len(table)), scores, draws=40)
    both = averaged([one, one])
    assert np.allclose(both["good"].values, one["good"].values)
    for value, low, high in difference(both, "good", "blind"):
        assert 0 < low <= value <= high


def test_frauds_of_one_terminal_make_the_interval_wide_though_every_card_is_another():
    """A score that finds the frauds of half of the terminals: what these are is all of the chance."""
    card, random = np.arange(4000), np.random.default_rng(0)
    terminal = card % 40
    fraud = ((terminal < 8) & (random.random(4000) < 0.5)).astype(int)
    score = random.random(4000) + 2 * (fraud * (terminal < 4))
    table = lines(np.zeros(4000, int), card, terminal, fraud)
    alone = table.with_columns(TERMINAL_ID=card)  # as if every transaction had a terminal of its own
    wide, narrow = (
        judge(one, np.arange(4000), {"it": score}, draws=200)["it"].drawn[:, 1].std() for one in (table, alone)
    )
    assert wide > 3 * narrow


def test_a_true_chance_is_calibrated():
    random = np.random.default_rng(0)
    chance = random.random(20_000) * 0.3
    truth = (random.random(20_000) < chance).astype(int)
    assert calibration_slope(truth, chance) == pytest.approx(1, abs=0.1)
    assert calibration_slope(truth, np.clip(chance**3, 1e-9, 1)) < 0.6


def test_a_fold_leaves_no_fraud_of_a_card_that_was_known(table):
    found = fold(table, 10)
    tested, known = table[found.test], table[found.train].filter(pl.col("TX_FRAUD") == 1)
    assert not set(tested["CUSTOMER_ID"]) & set(known["CUSTOMER_ID"])
