"""The handbook's protocol and its three measures, with intervals that resample cards.

    train 7 days | 7 days until frauds are known | test 7 days

Cards that were defrauded in the training week, and those whose fraud became known since (a day's frauds seven days
later), are blocked: their transactions are no test. AUC ROC and average precision are over transactions; card
precision@100 asks, day by day, how many of the 100 cards with the highest scores were defrauded that day, cards that
were found on an earlier day left out (Fraud Detection Handbook, chapters 3 to 5).

Transactions of one card are not independent, so cards are resampled, not transactions; every model is judged on the
same resamples, so the interval of a difference is a paired one.
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
    fraud: np.ndarray
    begins: np.ndarray  # of each day, and the end


def by_day(day: np.ndarray, card: np.ndarray, truth: np.ndarray, score: np.ndarray) -> Days:
    table = pl.DataFrame({"day": day, "card": card, "fraud": truth, "score": score})
    best = table.group_by("day", "card").agg(pl.max("score"), pl.max("fraud"))
    best = best.sort("day", "score", "card", descending=[False, True, False])
    days = best["day"].to_numpy()
    return Days(
        best["card"].to_numpy(),
        best["fraud"].to_numpy() > 0,
        np.append(np.flatnonzero(np.diff(days, prepend=days[0] - 1)), len(days)),
    )


def card_precision(days: Days, times: np.ndarray | None = None, top: int = TOP) -> float:
    """The mean over the days. times: how often each card counts, by its number; once without it."""
    found = np.zeros(int(days.card.max()) + 1, bool)
    shares = []
    for begin, end in zip(days.begins[:-1], days.begins[1:], strict=True):
        rows = np.arange(begin, end)[~found[days.card[begin:end]]]
        many = np.ones(len(rows), int) if times is None else times[days.card[rows]]
        room = np.clip(top - (np.cumsum(many) - many), 0, many)  # how many of these copies are among the first
        caught = days.fraud[rows]
        shares.append(float((room * caught).sum()) / top)
        found[days.card[rows[caught & (room > 0)]]] = True
    return float(np.mean(shares))


METRICS = ("AUC", "average precision", f"card precision@{TOP}")


@dataclass
class Judged:
    """What one model is worth on one fold: the values, and one row of values for each resample."""

    values: np.ndarray
    drawn: np.ndarray


def judge(transactions: pl.DataFrame, scores: dict[str, np.ndarray], draws: int = DRAWS) -> dict[str, Judged]:
    """Every model on the test rows of one fold. The same seed draws the same cards for every fold and model."""
    card, day = transactions["CUSTOMER_ID"].to_numpy(), transactions["TX_TIME_DAYS"].to_numpy()
    truth = transactions["TX_FRAUD"].to_numpy().astype(float)
    random, cards = np.random.default_rng(SEED), int(card.max()) + 1
    drawn = [np.bincount(random.integers(0, cards, cards), minlength=cards) for _ in range(draws)]
    found = {}
    for name, score in scores.items():
        order, days = ordered(score), by_day(day, card, truth, score)
        values = np.array([*curves(truth, order), card_precision(days)])
        again = [[*curves(truth, order, times[card]), card_precision(days, times)] for times in drawn]
        found[name] = Judged(values, np.array(again).reshape(draws, len(METRICS)))
    return found


def averaged(folds: list[dict[str, Judged]]) -> dict[str, Judged]:
    """The mean over the folds, of the values and of each resample."""
    return {
        name: Judged(
            np.mean([one[name].values for one in folds], axis=0), np.mean([one[name].drawn for one in folds], axis=0)
        )
        for name in folds[0]
    }


def interval(drawn: np.ndarray) -> tuple[float, float]:
    """The middle LEVEL per cent."""
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
