"""What the linear learner reports of its final model on a channel: names and kinds as its metric definitions have them.

https://docs.aws.amazon.com/sagemaker/latest/dg/linear-learner-tuning.html
"""

from collections.abc import Iterator
from typing import Any

import numpy

from skylab.images.linear_learner.hyperparameters import BINARY, REGRESSOR

Metric = tuple[str, float, str]  # name, value, "loss" or "score"


def of(scores: Any, labels: Any, values: dict[str, Any], threshold: float) -> Iterator[Metric]:
    """scores: of the one model, as its loss takes them; threshold: on them."""
    if values["predictor_type"] == REGRESSOR:
        error = scores - labels
        yield "mse", float(numpy.mean(error**2)), "loss"
        yield "rmse", float(numpy.sqrt(numpy.mean(error**2))), "loss"
        yield "absolute_loss", float(numpy.mean(numpy.abs(error))), "loss"
    elif values["predictor_type"] == BINARY:
        yield from _binary(scores, labels > 0, values["f_beta"], threshold)
    else:
        yield from _classes(scores, labels.astype(int), values)


def _binary(scores: Any, truth: Any, beta: float, threshold: float) -> Iterator[Metric]:
    from sklearn import metrics

    said = scores >= threshold
    options: dict[str, Any] = {"zero_division": 0}
    yield "binary_classification_accuracy", float(numpy.mean(said == truth)), "score"
    yield f"binary_f_{beta:.3f}", metrics.fbeta_score(truth, said, beta=beta, **options), "score"
    yield "precision", metrics.precision_score(truth, said, **options), "score"
    yield "recall", metrics.recall_score(truth, said, **options), "score"
    if truth.any() and not truth.all():
        yield "roc_auc_score", metrics.roc_auc_score(truth, scores), "score"


def _classes(scores: Any, labels: Any, values: dict[str, Any]) -> Iterator[Metric]:
    from sklearn import metrics

    truth = scores[numpy.arange(len(labels)), labels]
    rank = (scores > truth[:, None]).sum(axis=1)
    said, beta, top = scores.argmax(axis=1), values["f_beta"], values["accuracy_top_k"]
    options: dict[str, Any] = {"average": "macro", "zero_division": 0}
    yield "multiclass_accuracy", float(numpy.mean(said == labels)), "score"
    yield f"multiclass_top_k_accuracy_{top}", float(numpy.mean(rank < top)), "score"
    yield "dcg", float(numpy.mean(1 / numpy.log2(rank + 2))), "score"
    yield "macro_recall", metrics.recall_score(labels, said, **options), "score"
    yield "macro_precision", metrics.precision_score(labels, said, **options), "score"
    yield f"macro_f_{beta:.3f}", metrics.fbeta_score(labels, said, beta=beta, **options), "score"
