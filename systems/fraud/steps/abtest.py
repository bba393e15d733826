"""Is one of two variants better, given that each card was scored by one of them?

The unit is the card, as traffic was dealt by card: its transactions of the test week went to one variant in one
request. Two questions:

    caught      of the defrauded cards, how many were alerted on a fraud, when the SHARE of its own transactions that
                either variant rates highest is looked at: Fisher's exact test
    precision   average precision of either variant's transactions: a randomisation test, two-sided. If it makes no
                difference which variant scores a card, the cards could as well have been dealt otherwise: they are,
                DRAWS times, each with the transactions and the ranks that it has, and the share of deals with at least
                as large a difference is the chance. Ranks are those within the card's own variant, so that two
                variants with other scales are not another pair. The interval is of resampled cards, and decides nothing

The error of the first kind is LEVEL; the smallest difference in the share caught that this many cards would have shown
four times out of five is said too, because a week is short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from evaluate import average_precision, curves, ordered
from scipy.stats import fisher_exact, norm, rankdata

SHARE = 0.01  # of the transactions is looked at
LEVEL, POWER = 0.05, 0.8
EACH = LEVEL / 2  # of the two questions: both are asked, so each at half the level (Bonferroni)
DRAWS, SEED = 1000, 11


@dataclass(frozen=True)
class Arm:
    """What one variant saw: a line for each transaction."""

    card: np.ndarray
    truth: np.ndarray
    score: np.ndarray

    def caught(self, share: float = SHARE) -> tuple[int, int]:
        """(defrauded cards with an alert on a fraud, defrauded cards)."""
        alerts = np.zeros(len(self.score), bool)
        alerts[np.argsort(-self.score, kind="stable")[: round(share * len(self.score))]] = True
        fraud = self.truth > 0
        return len(np.unique(self.card[alerts & fraud])), len(np.unique(self.card[fraud]))

    def ranks(self) -> np.ndarray:
        """The share of the variant's transactions that are rated lower, equals half: on one scale for all variants."""
        return np.asarray((rankdata(self.score) - 0.5) / len(self.score))


@dataclass(frozen=True)
class Pool:
    """Both arms' transactions, sorted once, and each one's card. many: cards of the first arm, which come first."""

    truth: np.ndarray
    card: np.ndarray
    order: tuple[np.ndarray, np.ndarray]
    many: int
    cards: int

    @classmethod
    def of(cls, a: Arm, b: Arm) -> Pool:
        (first, card_a), (second, card_b) = (np.unique(arm.card, return_inverse=True) for arm in (a, b))
        card = np.concatenate([card_a, card_b + len(first)])
        order = ordered(np.concatenate([a.ranks(), b.ranks()]))
        return cls(np.concatenate([a.truth, b.truth]), card, order, len(first), len(first) + len(second))

    def precision(self, times: np.ndarray) -> float:
        """Average precision where each card counts so many times."""
        return curves(self.truth, self.order, times[self.card].astype(float))[1]

    def difference(self, times: np.ndarray, second: np.ndarray) -> float:
        """The second arm's average precision less the first's; second: is the card in the second arm?"""
        return self.precision(times * second) - self.precision(times * ~second)

    def dealt_anew(self, random: np.random.Generator, draws: int) -> np.ndarray:
        """The difference of other deals of the same cards, as many to each arm."""
        second, once = np.arange(self.cards) >= self.many, np.ones(self.cards)
        return np.array([self.difference(once, random.permutation(second)) for _ in range(draws)])

    def resampled(self, random: np.random.Generator, draws: int) -> np.ndarray:
        """The difference with cards drawn with replacement, in either arm."""
        second, sizes = np.arange(self.cards) >= self.many, (self.many, self.cards - self.many)
        drawn = (
            np.concatenate([np.bincount(random.integers(0, n, n), minlength=n) for n in sizes]) for _ in range(draws)
        )
        return np.array([self.difference(times, second) for times in drawn])


def chance(value: float, dealt: np.ndarray) -> float:
    """How often chance alone deals at least such a difference, the deal that there was among them; never 0."""
    at_least = np.abs(dealt[np.isfinite(dealt)]) >= abs(value) - 1e-12
    return float((1 + at_least.sum()) / (1 + len(at_least)))


def compare(a: Arm, b: Arm, draws: int = DRAWS) -> dict[str, Any]:
    """b against a: both tests, what could have been seen, and the verdict in words."""
    hits, all_ = zip(*(arm.caught() for arm in (a, b)), strict=True)
    table = [[hits[0], all_[0] - hits[0]], [hits[1], all_[1] - hits[1]]]
    random, pool = np.random.default_rng(SEED), Pool.of(a, b)
    value = average_precision(b.truth, b.score) - average_precision(a.truth, a.score)
    chances = {"caught": float(fisher_exact(table).pvalue), "precision": chance(value, pool.dealt_anew(random, draws))}
    low, high = np.nanpercentile(pool.resampled(random, draws), [100 * LEVEL / 2, 100 * (1 - LEVEL / 2)])
    better = min(chances.values()) < EACH
    return {
        "caught": [[hits[0], all_[0]], [hits[1], all_[1]]],
        "precision": [average_precision(arm.truth, arm.score) for arm in (a, b)],
        "difference": [float(value), float(low), float(high)],
        "chance": chances,
        "detectable": detectable(hits, all_),
        "verdict": "the difference is beyond noise" if better else "no difference beyond noise",
    }


def detectable(hits: tuple[int, ...], all_: tuple[int, ...]) -> float:
    """The difference in shares that one question would find with probability POWER (normal approximation)."""
    share = sum(hits) / max(1, sum(all_))
    error = np.sqrt(share * (1 - share) * sum(1 / max(1, many) for many in all_))
    return float((norm.ppf(1 - EACH / 2) + norm.ppf(POWER)) * error)
