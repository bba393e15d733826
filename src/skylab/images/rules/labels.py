"""Rules about labels and predictions: classes that are rare, classes that are taken for others."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from skylab.images.rules.series import Array, Finding, Findings, Step, Steps


def class_imbalance(
    steps: Steps,
    threshold_imbalance: float = 10.0,
    threshold_misprediction: float = 0.7,
    samples: int = 500,
    argmax: bool = False,
    labels_regex: Sequence[str] = (".*labels",),
    predictions_regex: Sequence[str] = (".*predictions",),
) -> Findings:
    """Once that many labels were seen: a class is rarer than another by too much, or too often mispredicted."""
    counts: Counter[int] = Counter()
    wrong: Counter[int] = Counter()
    for step in steps:
        pairs = _pairs(step, step.select((), labels_regex), step.select((), predictions_regex), argmax)
        if pairs is None:
            continue
        labels, predictions = pairs
        counts.update(labels.tolist())
        wrong.update(labels[labels != predictions].tolist())
        if counts.total() < samples:
            continue
        ratio = max(counts.values()) / min(counts.values())
        if ratio > threshold_imbalance:
            yield Finding(step.number, f"The largest class has {ratio:.1f} times the samples of the smallest")
        for label, count in counts.items():
            if wrong[label] / count > threshold_misprediction:
                yield Finding(
                    step.number, f"{100 * wrong[label] / count:.0f} percent of class {label} are mispredicted"
                )


def confusion(
    steps: Steps,
    category_no: int | None = None,
    labels: str = "labels",
    predictions: str = "predictions",
    labels_collection: str = "labels",
    predictions_collection: str = "predictions",
    min_diag: float = 0.9,
    max_off_diag: float = 0.1,
) -> Findings:
    """Of what was predicted to be a class, too little is of it, or too much of another one.

    AWS words the share on the diagonal as one of the diagonal's own sum, which no two classes could both pass; here
    both shares are of the column, as AWS words that off the diagonal."""
    for step in steps:
        true = [labels] if labels in step.select((labels_collection,), (f"^{labels}$",)) else []
        guessed = [predictions] if predictions in step.select((predictions_collection,), (f"^{predictions}$",)) else []
        pairs = _pairs(step, true, guessed, argmax=False)
        if pairs is None:
            continue
        size = category_no or int(max(pairs[0].max(), pairs[1].max())) + 1
        matrix = np.zeros((size, size))
        np.add.at(matrix, tuple(np.clip(each, 0, size - 1) for each in pairs), 1)
        shares = matrix / np.maximum(matrix.sum(axis=0, keepdims=True), 1)
        diagonal = np.diag(shares)[matrix.sum(axis=0) > 0]
        if (diagonal < min_diag).any() or (shares - np.diag(np.diag(shares)) > max_off_diag).any():
            yield Finding(step.number, f"Only {100 * diagonal.min():.0f} percent of a predicted class are of it")


def _pairs(step: Step, labels: list[str], predictions: list[str], argmax: bool) -> tuple[Array, Array] | None:
    """Classes as integers, label by label. Probabilities of two classes are rounded."""
    true, guessed = next(step.whole(labels), None), next(step.whole(predictions), None)
    if true is None or guessed is None or not true[1].size:
        return None
    found = guessed[1].argmax(axis=-1) if argmax else guessed[1]
    if found.size != true[1].size:
        return None
    return np.rint(true[1]).astype(int).ravel(), np.rint(found).astype(int).ravel()
