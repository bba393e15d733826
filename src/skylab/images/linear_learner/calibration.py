"""The threshold of a binary classifier by what the user wants of it, and how good it then is.

https://docs.aws.amazon.com/sagemaker/latest/dg/ll_how-it-works.html (validation and threshold calibration)
"""

from dataclasses import dataclass
from typing import Any

import numpy


@dataclass(frozen=True)
class Criterion:
    """name: a value of binary_classifier_model_selection_criteria, but one that looks at the loss."""

    name: str
    beta: float = 1.0
    recall: float = 0.8
    precision: float = 0.8

    def best(self, scores: Any, labels: Any) -> tuple[float, float]:
        """(threshold, value): a row is positive from threshold on; the value is to be as high as can be."""
        order = numpy.argsort(-scores, kind="stable")
        ranked, truth = scores[order], labels[order] > 0
        last = numpy.append(ranked[1:] != ranked[:-1], True)  # rows of one score are on one side of the threshold
        hits, said = numpy.cumsum(truth)[last], numpy.arange(1, len(ranked) + 1)[last]
        value = self._value(hits, said, int(truth.sum()), len(truth))
        at = int(numpy.argmax(value))
        cuts = ranked[last]
        below = cuts[at + 1] if at + 1 < len(cuts) else cuts[at] - 1e-6
        return float((cuts[at] + below) / 2), float(value[at])

    def _value(self, hits: Any, said: Any, positives: int, rows: int) -> Any:
        precision, recall = hits / said, hits / max(positives, 1)
        if self.name == "accuracy":
            return (hits + (rows - said) - (positives - hits)) / rows
        if self.name == "precision_at_target_recall":
            return numpy.where(recall >= self.recall, precision, recall - 2)  # the nearest, where none reaches it
        if self.name == "recall_at_target_precision":
            return numpy.where(precision >= self.precision, recall, precision - 2)
        return f_beta(precision, recall, self.beta)


def f_beta(precision: Any, recall: Any, beta: float) -> Any:
    weighted = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / numpy.where(weighted > 0, weighted, 1.0)
