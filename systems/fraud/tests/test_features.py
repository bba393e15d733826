import numpy as np
import polars as pl
import pytest
from features import DELAY, NAMES, State, batch
from hypothesis import given, settings
from hypothesis import strategies as st
from simulate import simulate

DAY = 86_400
BEGIN = 17_622 * DAY  # 2018-04-01, a Sunday


def table(rows):
    """rows: (seconds, card, terminal, cents, fraud)"""
    return pl.DataFrame(
        {
            "TX_DATETIME": pl.Series([(BEGIN + row[0]) * 1_000_000 for row in rows]).cast(pl.Datetime("us")),
            "CUSTOMER_ID": [row[1] for row in rows],
            "TERMINAL_ID": [row[2] for row in rows],
            "TX_AMOUNT": [row[3] / 100 for row in rows],
            "TX_FRAUD": [row[4] for row in rows],
        }
    )


def one_at_a_time(transactions, delay=DELAY):
    """The stream as it comes: each event is scored, and its label is told `delay` days after it."""
    state, found, waiting = State(), [], []
    times = transactions["TX_DATETIME"].dt.epoch("s")
    rest = transactions.select("CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD").iter_rows()
    for at, (card, shop, amount, fraud) in zip(times, rest, strict=True):
        while waiting and waiting[0][1] + delay * DAY <= at:
            state.report(*waiting.pop(0))
        found.append(state.event(at, card, shop, amount))
        if fraud:
            waiting.append((shop, at))
    return np.array(found)


HOURS = st.integers(0, 60 * 24)
EVENT = st.tuples(HOURS, st.integers(0, 3), st.integers(0, 2), st.integers(0, 30_000), st.integers(0, 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=60))
def test_batch_and_one_event_at_a_time_are_equal(events):
    """Hours, so that many events fall into the same second and onto the very end of a window."""
    rows = table(sorted(((hour * 3600, *rest) for hour, *rest in events), key=lambda row: row[0]))

    assert np.array_equal(one_at_a_time(rows), batch(rows).to_numpy())


def test_they_are_equal_over_months_in_which_much_is_forgotten():
    rows = simulate(days=110, customers=12, terminals=300, seed=2)

    assert np.array_equal(one_at_a_time(rows), batch(rows).to_numpy())


def test_a_state_forgets_what_no_window_reaches():
    state = State()
    for day in range(400):
        state.event(BEGIN + day * DAY, 1, 1, 5.0)
    assert len(state.cards[1].times) < 130 and len(state.terminals[1].times) < 130


def row_of(events, at):
    return dict(zip(NAMES, batch(table(events)).row(at), strict=True))


def test_windows_hold_the_transaction_itself_and_leave_their_far_end_out():
    found = row_of([(0, 1, 1, 1000, 0), (1, 1, 1, 2000, 0), (DAY, 1, 1, 600, 0)], 2)
    assert (found["customer_nb_1"], found["customer_average_1"]) == (2, 13.0)
    assert (found["customer_nb_7"], found["customer_average_7"]) == (3, 12.0)


def test_a_fraud_counts_for_its_terminal_seven_days_later_and_no_sooner():
    events = [(0, 1, 1, 1000, 1), (7 * DAY - 1, 2, 1, 1000, 0), (7 * DAY, 3, 1, 1000, 0), (8 * DAY, 4, 1, 1, 0)]
    before, after, gone = (row_of(events, at) for at in (1, 2, 3))
    assert before["terminal_risk_30"] == 0 and before["terminal_nb_30"] == 0
    assert after["terminal_risk_1"] == 1 and after["terminal_nb_1"] == 1
    assert gone["terminal_risk_1"] == 0 and gone["terminal_risk_7"] == 1


@pytest.mark.parametrize(("hour", "night"), [(0, 1), (6, 1), (7, 0), (23, 0)])
def test_night_ends_at_seven_and_the_weekend_is_two_days(hour, night):
    sunday = row_of([(hour * 3600, 1, 1, 1, 0)], 0)  # 2018-04-01
    monday = row_of([(DAY + hour * 3600, 1, 1, 1, 0)], 0)
    assert (sunday["night"], sunday["weekend"], monday["weekend"]) == (night, 1, 0)


def test_no_feature_tells_the_transactions_own_label():
    rows = simulate(days=30, customers=40, terminals=500, seed=4)
    told = pl.when(pl.col("TX_TIME_DAYS") >= 23).then(1 - pl.col("TX_FRAUD")).otherwise("TX_FRAUD")
    flipped = rows.with_columns(told.alias("TX_FRAUD"))  # of the last seven days
    assert np.array_equal(batch(rows).to_numpy(), batch(flipped).to_numpy())
