"""The linear learner from its rows to its model: scale, train many, choose one, calibrate it, report it."""

import json
from typing import Any

import numpy

from skylab.images.algorithms.channels import Rows
from skylab.images.algorithms.training import Algorithm, Work
from skylab.images.failures import ClientError
from skylab.images.linear_learner import models, scaling, scores
from skylab.images.linear_learner.artefact import Linear
from skylab.images.linear_learner.calibration import Criterion
from skylab.images.linear_learner.fitting import Fit
from skylab.images.linear_learner.hyperparameters import BINARY, MULTICLASS, TABLE, settled
from skylab.images.linear_learner.losses import Loss, sigmoid
from skylab.images.linear_learner.models import Models

BY_LOSS = ("loss_function", "cross_entropy_loss")


def fit(work: Work) -> None:
    values, train = settled(work.values), work.train
    for name, rows in work.rows.items():
        _check_labels(name, rows, values)
    if len(train) < values["mini_batch_size"]:
        raise ClientError(
            "No training data processed. Either the training channel is empty or the mini-batch size is too high. "
            "Verify that training data contains non-empty files and the mini-batch size is less than the number of "
            "records per training host."
        )
    generator = numpy.random.default_rng(0)
    scale = scaling.of(train, values, generator)
    positives = float((train.labels > 0).sum())
    balance = (len(train) - positives) / max(positives, 1.0)
    several = models.drawn(values, train.width, balance, work.tuned, generator)
    loss = Loss(
        values["loss"], values["margin"], values["quantile"], values["loss_insensitivity"], values["huber_delta"]
    )
    fitted = Fit(several, loss, values, work.told, generator)
    validation = work.rows.get("validation")
    with numpy.errstate(over="ignore", invalid="ignore"):  # a model may run away; another is then the best
        fitted.run(scale.rows(train), scale.rows(validation) if validation is not None else None)
        several.weights, several.bias = scale.undone(several.weights, several.bias)
        chosen, threshold = _chosen(several, loss, values, train if validation is None else validation)
    work.told.say(f"Best model found for hyperparameters: {json.dumps(several.settings(chosen))}")
    best = _one(several, chosen)
    for name, rows in work.rows.items():
        _report(work, name, rows, best, loss, values, threshold)
    _linear(best, values, threshold).save(work.model)


def _check_labels(name: str, rows: Rows, values: dict[str, Any]) -> None:
    kind, labels = values["predictor_type"], rows.labels
    if kind == BINARY and not numpy.isin(labels, (0, 1)).all():
        raise ClientError(f"Labels of channel '{name}' must be 0 or 1 for predictor_type binary_classifier.")
    if (
        kind == MULTICLASS
        and not ((labels == labels.astype(int)) & (labels >= 0) & (labels < values["num_classes"])).all()
    ):
        raise ClientError(f"Labels of channel '{name}' must be integers from 0 to num_classes - 1.")


def _chosen(several: Models, loss: Loss, values: dict[str, Any], rows: Rows) -> tuple[int, float]:
    """(number of the best model, its threshold on the scores)."""
    limit = values["num_calibration_samples"] or len(rows)
    found, labels = several.scores(rows.features[:limit]), rows.labels[:limit]
    lost = numpy.nan_to_num(loss(found, labels)[0].mean(axis=0), nan=numpy.inf)
    criterion = values["binary_classifier_model_selection_criteria"]
    if values["predictor_type"] != BINARY or criterion in BY_LOSS:
        return int(numpy.argmin(lost)), 0.0
    beta = 1.0 if criterion == "f1" else values["f_beta"]
    wanted = Criterion(criterion, beta, values["target_recall"], values["target_precision"])
    each = [wanted.best(found[:, number], labels) for number in range(found.shape[1])]
    ranked = [(value if numpy.isfinite(lost[number]) else -numpy.inf) for number, (_, value) in enumerate(each)]
    ties = numpy.flatnonzero(numpy.array(ranked) >= max(ranked))
    number = int(ties[numpy.argmin(lost[ties])])
    return number, each[number][0]


def _one(several: Models, number: int) -> Models:
    at = slice(number, number + 1)
    per_model = (each[at] for each in (several.rate, several.decay, several.sparsity, several.positive))
    return Models(several.weights[:, at], several.bias[at], *per_model)


def _report(
    work: Work, name: str, rows: Rows, best: Models, loss: Loss, values: dict[str, Any], threshold: float
) -> None:
    found = best.scores(rows.features)
    work.told.score(name, loss.objective, float(loss(found, rows.labels)[0].mean()))
    for metric, value, kind in scores.of(found[:, 0], rows.labels, values, threshold):
        work.told.score(name, metric, value, kind)


def _linear(best: Models, values: dict[str, Any], threshold: float) -> Linear:
    answered = float(sigmoid(threshold)) if values["loss"] == "logistic" else threshold
    weights = best.weights.reshape(best.weights.shape[0], -1)
    return Linear(
        weights, best.bias.reshape(-1), values["predictor_type"], values["loss"], answered, values["num_classes"]
    )


ALGORITHM = Algorithm("Linear Learner", TABLE, ("train", "validation", "test"), fit, labelled=True)
