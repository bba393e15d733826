"""The handbook's protocol and its three measures, with intervals that resample cards and terminals.

    train 7 days | 7 days until frauds are known | test 7 days

Cards that were defrauded in the training week, and those whose fraud became known since (a day's frauds seven days
later), are blocked: their transactions are no test. AUC ROC and average precision are over transactions; card
precision@100 asks, day by day, how many of the 100 cards with the highest scores were defrauded that day, cards that
were found on an earlier day left out (Fraud Detection Handbook, chapters 3 to 5).

Transactions of one card are not independent, nor are those of one terminal: most frauds come from terminals that were
taken for weeks. So both are resampled at once: a transaction counts as often as its card was drawn times as often as
its terminal was (Owen's pigeonhole bootstrap, 2007; it is on the cautious side). In card precision the terminal of a
card's day is that of its fraud, or of its first transaction. Every model is judged on the same resamples, so the
interval of a difference is a paired one. What another training seed or another training week would give is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

WEEK = 7  # days of training, of delay, of test
TOP = 100  # cards that the investigators look at in a day
DRAWS, SEED, LEVEL = 300, 7, 95


@dataclass(frozen=True)
class Fold:
    """Row numbers of the training and the test transactions; start: the first day of training."""

    start: int
    train: np.ndarray
    test: np.ndarray


def fold(transactions: pl.DataFrame, start: int) -> Fold:
    """The handbook's get_train_test_set, blocked cards removed."""
    day = transactions["TX_TIME_DAYS"].to_numpy()
    card, fraud = transactions["CUSTOMER_ID"].to_numpy(), transactions["TX_FRAUD"].to_numpy() == 1
    train = np.flatnonzero((day >= start) & (day < start + WEEK))
    blocked = set(card[train][fraud[train]].tolist())
    parts = []
    for ahead in range(WEEK):
        blocked |= set(card[(day == start + WEEK + ahead - 1) & fraud].tolist())
        rows = np.flatnonzero(day == start + 2 * WEEK + ahead)
        parts.append(rows[~np.isin(card[rows], list(blocked))])
    return Fold(start, train, np.concatenate(parts))


def auc(truth: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Area under the ROC curve; equal scores count half."""
    return curves(truth, ordered(score), weight)[0]


def average_precision(truth: np.ndarray, score: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Precision at every threshold, weighted by what it adds in recall."""
    return curves(truth, ordered(score), weight)[1]


def ordered(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows from the highest score down, and where each run of equal scores ends."""
    rows = np.argsort(-score, kind="stable")
    return rows, np.append(np.flatnonzero(np.diff(score[rows])), len(rows) - 1)


def curves(
    truth: np.ndarray, order: tuple[np.ndarray, np.ndarray], weight: np.ndarray | None = None
) -> tuple[float, float]:
    """(AUC, average precision); as scikit-learn's, but a hundred resamples share one sorting."""
    rows, ends = order
    heavy = np.ones(len(rows)) if weight is None else weight[rows]
    hit = np.cumsum(heavy * truth[rows])[ends]
    all_ = np.cumsum(heavy)[ends]
    missed = all_ - hit
    if not hit[-1] or not missed[-1]:
        return float("nan"), float("nan")
    area = np.sum(np.diff(missed, prepend=0) * (hit + np.append(0, hit[:-1])) / 2)
    gained = np.diff(hit, prepend=0)
    precision = np.divide(hit, all_, out=np.zeros_like(hit), where=all_ > 0)
    return float(area / hit[-1] / missed[-1]), float(np.sum(gained * precision) / hit[-1])


@dataclass(frozen=True)
class Days:
    """A line for each card and day: was it defrauded on it? In order of days, then from its highest score down."""

    card: np.ndarray
    terminal: np.ndarray
    fraud: np.ndarray
    begins: np.ndarray  # of each day, and the end


def by_day(transactions: pl.DataFrame, score: np.ndarray) -> Days:
    first = pl.col("TERMINAL_ID").get(pl.col("TX_FRAUD").arg_max())  # of the fraud, where there is one
    table = transactions.with_columns(score=score).group_by("TX_TIME_DAYS", "CUSTOMER_ID")
    best = table.agg(first, pl.max("score"), pl.max("TX_FRAUD"))
    best = best.sort("TX_TIME_DAYS", "score", "CUSTOMER_ID", descending=[False, True, False])
    days = best["TX_TIME_DAYS"].to_numpy()
    return Days(
        best["CUSTOMER_ID"].to_numpy(),
        best["TERMINAL_ID"].to_numpy(),
        best["TX_FRAUD"].to_numpy() > 0,
        np.append(np.flatnonzero(np.diff(days, prepend=days[0] - 1)), len(days)),
    )


def card_precision(days: Days, times: np.ndarray | None = None, top: int = TOP) -> float:
    """The mean over the days. times: how often each line counts; once without it."""
    found = np.zeros(int(days.card.max()) + 1, bool)
    shares = []
    for begin, end in zip(days.begins[:-1], days.begins[1:], strict=True):
        rows = np.arange(begin, end)[~found[days.card[begin:end]]]
        many = np.ones(len(rows), int) if times is None else times[rows]
        ahead = np.cumsum(many) - many
        room = np.clip(top - ahead, 0, many)  # how many of these copies are among the first
        caught = days.fraud[rows]
        shares.append(float((room * caught).sum()) / top)
        found[days.card[rows[caught & (ahead < top)]]] = True  # a line that was not drawn too: a card is found once
    return float(np.mean(shares))


METRICS = ("AUC", "average precision", f"card precision@{TOP}")


@dataclass
class Judged:
    """What one model is worth on one fold: the values, and one row of values for each resample."""

    values: np.ndarray
    drawn: np.ndarray


def judge(
    table: pl.DataFrame, rows: np.ndarray, scores: dict[str, np.ndarray], draws: int = DRAWS
) -> dict[str, Judged]:
    """Every model on some rows of a table. The same seed draws the same cards and terminals for all rows and models."""
    random, tested = np.random.default_rng(SEED), table[rows]
    cards, terminals = (int(table[name].max()) + 1 for name in ("CUSTOMER_ID", "TERMINAL_ID"))  # type: ignore[arg-type]
    drawn = [(times(random, cards), times(random, terminals)) for _ in range(draws)]
    card, terminal = tested["CUSTOMER_ID"].to_numpy(), tested["TERMINAL_ID"].to_numpy()
    truth, found = tested["TX_FRAUD"].to_numpy().astype(float), {}
    for name, score in scores.items():
        order, days = ordered(score), by_day(tested, score)
        values = np.array([*curves(truth, order), card_precision(days)])
        again = [
            [*curves(truth, order, a[card] * b[terminal]), card_precision(days, a[days.card] * b[days.terminal])]
            for a, b in drawn
        ]
        found[name] = Judged(values, np.array(again).reshape(draws, len(METRICS)))
    return found


def times(random: np.random.Generator, many: int) -> np.ndarray:
    """How often each of so many is drawn, when as many are drawn with replacement."""
    return np.bincount(random.integers(0, many, many), minlength=many)


def averaged(folds: list[dict[str, Judged]]) -> dict[str, Judged]:
    """The mean over the folds, of the values and of each resample."""
    return {
        name: Judged(
            np.mean([one[name].values for one in folds], axis=0), np.mean([one[name].drawn for one in folds], axis=0)
        )
        for name in folds[0]
    }


def interval(drawn: np.ndarray) -> tuple[float, float]:
    """The middle LEVEL per cent; nothing where a week without frauds left nothing to judge."""
    if np.isnan(drawn).all():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(drawn, [50 - LEVEL / 2, 50 + LEVEL / 2])
    return float(low), float(high)


def difference(judged: dict[str, Judged], better: str, than: str) -> list[tuple[float, float, float]]:
    """(value, low, high) of each measure: how much better one model is than another on the same cards."""
    value = judged[better].values - judged[than].values
    drawn = judged[better].drawn - judged[than].drawn
    return [(float(value[at]), *interval(drawn[:, at])) for at in range(len(METRICS))]


def calibration_slope(truth: np.ndarray, chance: np.ndarray) -> float:
    """1: right; below 1: too extreme; above 1: too timid (Cox, 1958)."""
    from sklearn.linear_model import LogisticRegression

    clipped = np.clip(chance, 1e-6, 1 - 1e-6)
    logit = np.log(clipped / (1 - clipped))[:, None]
    return float(LogisticRegression(C=1e9).fit(logit, truth).coef_[0, 0])
