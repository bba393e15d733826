"""Numbers with intervals: accuracy, calibration, separation; and the temperature that calibrates. NumPy alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z, DRAWS, BINS, ROUNDS = 1.96, 1000, 10, 100
STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)  # 97.5 % quantile for 1, 2, ... degrees
STUDENT += (2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09)
Array = NDArray[np.float64]


def softmax(logits: NDArray) -> Array:
    shifted = np.exp(logits.astype(float) - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def wilson(right: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    share, wide = right / of, Z**2 / of
    middle, half = share + wide / 2, Z * math.sqrt(share * (1 - share) / of + wide / (4 * of))
    return max(0.0, (middle - half) / (1 + wide)), min(1.0, (middle + half) / (1 + wide))


def log_loss(probabilities: NDArray, truth: NDArray) -> float:
    return float(-np.log(probabilities[np.arange(len(truth)), truth].clip(1e-9)).mean())


def calibration_error(probabilities: NDArray, truth: NDArray) -> float:
    """Expected calibration error: confidence against accuracy in ten equally filled bins."""
    sure, right = probabilities.max(1), probabilities.argmax(1) == truth
    parts = np.array_split(np.argsort(sure), BINS)
    return float(
        sum(abs(sure[part].mean() - right[part].mean()) * len(part) for part in parts if len(part)) / len(truth)
    )


def temperature(logits: NDArray, truth: NDArray) -> float:
    """The number to divide logits by for the least log loss; found on a grid (Guo et al., 2017)."""
    tried = np.exp(np.linspace(np.log(0.2), np.log(5), 61))
    return float(tried[np.argmin([log_loss(softmax(logits / t), truth) for t in tried])])


def shares(each: NDArray, truth: NDArray) -> list[float]:
    """Weights of members (members, pictures, classes), as of a mixture: those that make the truth likeliest."""
    given = each[:, np.arange(len(truth)), truth].clip(1e-9)
    weights = np.full(len(each), 1 / len(each))
    for _ in range(ROUNDS):
        owed = weights[:, None] * given
        weights = (owed / owed.sum(0)).mean(1)
    return [float(weight) for weight in weights]


def joined(each: NDArray, weights: list[float], heat: float) -> Array:
    """Members' probabilities as one, (pictures, classes): weighted mean, then one more temperature."""
    return softmax(np.log(np.tensordot(weights, each, 1).clip(1e-9)) / heat)


def joining(logits: list[NDArray], truth: NDArray) -> dict[str, Any]:
    """How members are calibrated and joined, by the likelihood of the truth of pictures that none was trained on;
    and the place of the member that is best by it alone."""
    temperatures = [temperature(one, truth) for one in logits]
    each = calibrated(logits, temperatures)
    weights = shares(each, truth)
    heat = temperature(np.log(joined(each, weights, 1.0)), truth)
    best = int(np.argmin([log_loss(one, truth) for one in each]))
    return {"temperatures": temperatures, "shares": weights, "heat": heat, "best": best}


def calibrated(logits: list[NDArray], temperatures: list[float]) -> Array:
    """Probabilities of every member: (members, pictures, classes)."""
    return np.stack([softmax(one / t) for one, t in zip(logits, temperatures, strict=True)])


def auroc(scores: NDArray, positive: NDArray) -> float:
    """The chance that a positive scores above a negative; ties count half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    many, few = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - many * (many + 1) / 2) / (many * few))


def auroc_interval(scores: NDArray, positive: NDArray, over: NDArray | None = None) -> tuple[float, float]:
    """95 % bootstrap interval, pictures drawn within each group; of the difference to other scores of the same
    pictures where these are given."""
    rng, groups = np.random.default_rng(0), [np.flatnonzero(positive), np.flatnonzero(~positive)]
    drawn = []
    for _ in range(DRAWS):
        places = np.concatenate([rng.choice(group, len(group)) for group in groups])
        less = 0.0 if over is None else auroc(over[places], positive[places])
        drawn.append(auroc(scores[places], positive[places]) - less)
    return float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))


def difference(one: NDArray, other: NDArray) -> tuple[float, float, float]:
    """How much more often one is right than the other on the same pictures, and its 95 % interval."""
    gain = one.astype(float) - other
    half = Z * float(gain.std()) / math.sqrt(len(gain))
    return float(gain.mean()), float(gain.mean()) - half, float(gain.mean()) + half


def mean_interval(values: list[float]) -> tuple[float, float, float]:
    """Mean and its 95 % interval by Student's t, for up to 20 values."""
    quantile = STUDENT[len(values) - 2]
    half = quantile * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return float(np.mean(values)), float(np.mean(values)) - half, float(np.mean(values)) + half


def judged(probabilities: NDArray, truth: NDArray) -> dict[str, object]:
    """Accuracy with its interval, log loss, calibration error."""
    right = int((probabilities.argmax(1) == truth).sum())
    return {
        "right": right,
        "of": len(truth),
        "accuracy": right / len(truth),
        "interval": wilson(right, len(truth)),
        "log loss": log_loss(probabilities, truth),
        "calibration error": calibration_error(probabilities, truth),
    }
