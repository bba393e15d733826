"""From scores to probabilities that can be believed, and to "other" where none can.

One temperature divides the scores (Guo et al. 2017): the one with the least log loss on validation texts. A text
whose best probability is below the threshold is "other": the threshold with the best F1 mean over classes on
validation texts, some of which belong to no class. Floor, encoder, and both together have each their own of the two.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax

NONE = -1  # a label, or an answer: no class
BINS = 15  # of the calibration error


@dataclass(frozen=True)
class Calibration:
    """temperature divides scores; threshold is the least probability of an answer."""

    temperature: float
    threshold: float
    accuracy: float  # on validation texts, "other" counted as a class
    error: float  # calibration error on validation texts that have a class

    def json(self) -> dict[str, Any]:
        return asdict(self)


def answers(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """The best class, or NONE."""
    return np.where(probabilities.max(1) >= threshold, probabilities.argmax(1), NONE)


def temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The one with the least log loss of labels."""

    def loss(power: float) -> float:
        return float(-log_softmax(scores / np.exp(power), axis=1)[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x))


def pool(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """By what to multiply the scores of two models so that their sum has the least log loss; NONE is left out."""
    known = labels != NONE
    rows, right = np.arange(int(known.sum())), labels[known]

    def loss(weights: np.ndarray) -> float:
        mixed = weights[0] * first[known] + weights[1] * second[known]
        return float(-log_softmax(mixed, axis=1)[rows, right].mean())

    begun = [0.5 / temperature(each[known], right) for each in (first, second)]
    found = minimize(loss, begun, method="Nelder-Mead", bounds=[(0, None)] * 2).x
    return float(found[0]), float(found[1])


def macro_f1(said: np.ndarray, right: np.ndarray) -> float:
    """F1 of each label that is there, its mean."""
    both = [2 * ((said == each) & (right == each)).sum() / max((said == each).sum() + (right == each).sum(), 1)
            for each in np.unique(right)]  # fmt: skip
    return float(np.mean(both))


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """How far, on average, the best probability is from the share of right answers, in bins of equal size."""
    sure, right = probabilities.max(1), probabilities.argmax(1) == labels
    bins = np.array_split(np.argsort(sure), min(BINS, len(sure)))
    return float(sum(abs(sure[each].mean() - right[each].mean()) * len(each) for each in bins) / len(sure))


def calibrate(scores: np.ndarray, labels: np.ndarray) -> Calibration:
    """labels: NONE for texts that belong to no class. Without such texts there is no threshold."""
    known = labels != NONE
    found = temperature(scores[known], labels[known])
    probabilities = softmax(scores / found, axis=1)
    threshold = 0.0
    if not known.all():
        tried = np.linspace(0, 0.95, 96)
        threshold = float(tried[int(np.argmax([macro_f1(answers(probabilities, each), labels) for each in tried]))])
    accuracy = float((answers(probabilities, threshold) == labels).mean())
    return Calibration(found, threshold, accuracy, calibration_error(probabilities[known], labels[known]))


def told(found: Calibration) -> str:
    """A line for the job's log; its metrics are read from there."""
    return (
        f"validation-accuracy:{found.accuracy:.5f} calibration-error:{found.error:.5f} "
        f"temperature:{found.temperature:.4f} threshold:{found.threshold:.2f}"
    )
