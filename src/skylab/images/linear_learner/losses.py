"""The losses and their slopes, for many models at once: scores are rows x models (x classes).

https://docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html (loss)
"""

from dataclasses import dataclass
from typing import Any

import numpy

NAMES = {
    "logistic": "binary_classification_cross_entropy_objective",
    "hinge_loss": "hinge_loss_objective",
    "softmax_loss": "multiclass_cross_entropy_objective",
    "squared_loss": "mse_objective",
    "absolute_loss": "absolute_loss_objective",
    "eps_insensitive_squared_loss": "eps_insensitive_squared_loss_objective",
    "eps_insensitive_absolute_loss": "eps_insensitive_absolute_loss_objective",
    "quantile_loss": "quantile_loss_objective",
    "huber_loss": "huber_loss_objective",
}


@dataclass(frozen=True)
class Loss:
    """name: a value of the hyperparameter loss; the rest are hyperparameters of some losses."""

    name: str
    margin: float = 1.0
    quantile: float = 0.5
    insensitivity: float = 0.01
    delta: float = 1.0

    @property
    def objective(self) -> str:
        return NAMES[self.name]

    def __call__(self, scores: Any, labels: Any) -> tuple[Any, Any]:
        """(the loss of each row under each model, its slope by the score)."""
        if self.name == "softmax_loss":
            return _softmax(scores, labels.astype(int))
        truth = labels[:, None]
        if self.name == "logistic":
            return numpy.logaddexp(0, scores) - truth * scores, sigmoid(scores) - truth
        if self.name == "hinge_loss":
            sign = 2 * truth - 1
            short = self.margin - sign * scores
            return numpy.maximum(short, 0), numpy.where(short > 0, -sign, 0.0)
        return self._regression(scores - truth)

    def _regression(self, error: Any) -> tuple[Any, Any]:
        size, sign = numpy.abs(error), numpy.sign(error)
        if self.name == "squared_loss":
            return error**2, 2 * error
        if self.name == "absolute_loss":
            return size, sign
        if self.name == "quantile_loss":
            slope = numpy.where(error < 0, -self.quantile, 1 - self.quantile)
            return slope * error, slope
        if self.name == "huber_loss":
            inside = size <= self.delta
            return (
                numpy.where(inside, error**2 / 2, self.delta * (size - self.delta / 2)),
                numpy.where(inside, error, self.delta * sign),
            )
        beyond = numpy.maximum(size - self.insensitivity, 0)
        if self.name == "eps_insensitive_squared_loss":
            return beyond**2, 2 * beyond * sign
        return beyond, numpy.where(beyond > 0, sign, 0.0)


def sigmoid(scores: Any) -> Any:
    return 0.5 * (1 + numpy.tanh(0.5 * scores))


def softmax(scores: Any) -> Any:
    shifted = numpy.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _softmax(scores: Any, labels: Any) -> tuple[Any, Any]:
    slope = softmax(scores)
    at = numpy.arange(len(labels))
    loss = -numpy.log(numpy.maximum(slope[at, :, labels], 1e-30))
    slope[at, :, labels] -= 1
    return loss, slope
