"""Is one of two variants better, given that each card was scored by one of them?

The unit is the card, as traffic was dealt by card: its transactions of the test week went to one variant in one
request. Two questions:

    caught      of the defrauded cards, how many were alerted on a fraud, when the SHARE of its own transactions that
                either variant rates highest is looked at: Fisher's exact test
    precision   average precision of either variant's transactions: resampled cards, two-sided

The error of the first kind is LEVEL; the smallest difference in the share caught that this many cards would have shown
four times out of five is said too, because a week is short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from evaluate import average_precision
from scipy.stats import fisher_exact, norm

SHARE = 0.01  # of the transactions is looked at
LEVEL, POWER = 0.05, 0.8
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

    def resampled(self, random: np.random.Generator, draws: int) -> np.ndarray:
        """Average precision over cards drawn with replacement."""
        _, card = np.unique(self.card, return_inverse=True)
        cards = int(card.max()) + 1
        weights = (np.bincount(random.integers(0, cards, cards), minlength=cards)[card] for _ in range(draws))
        return np.array([average_precision(self.truth, self.score, weight.astype(float)) for weight in weights])


def compare(a: Arm, b: Arm, draws: int = DRAWS) -> dict[str, Any]:
    """b against a: both tests, what could have been seen, and the verdict in words."""
    hits, all_ = zip(*(arm.caught() for arm in (a, b)), strict=True)
    table = [[hits[0], all_[0] - hits[0]], [hits[1], all_[1] - hits[1]]]
    random = np.random.default_rng(SEED)
    drawn = b.resampled(random, draws) - a.resampled(random, draws)
    value = average_precision(b.truth, b.score) - average_precision(a.truth, a.score)
    low, high = np.nanpercentile(drawn, [100 * LEVEL / 2, 100 * (1 - LEVEL / 2)])
    beyond = np.nanmean(drawn <= 0) if value > 0 else np.nanmean(drawn >= 0)
    chance = {"caught": float(fisher_exact(table).pvalue), "precision": float(min(1.0, max(2 * beyond, 1 / draws)))}
    better = min(chance.values()) < LEVEL / len(chance)  # two questions, so each at half the level (Bonferroni)
    return {
        "caught": [[hits[0], all_[0]], [hits[1], all_[1]]],
        "precision": [average_precision(arm.truth, arm.score) for arm in (a, b)],
        "difference": [float(value), float(low), float(high)],
        "chance": chance,
        "detectable": detectable(hits, all_),
        "verdict": "the difference is beyond noise" if better else "no difference beyond noise",
    }


def detectable(hits: tuple[int, ...], all_: tuple[int, ...]) -> float:
    """The difference in shares that would have been found with probability POWER (normal approximation)."""
    share = sum(hits) / max(1, sum(all_))
    error = np.sqrt(share * (1 - share) * sum(1 / max(1, many) for many in all_))
    return float((norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER)) * error)
