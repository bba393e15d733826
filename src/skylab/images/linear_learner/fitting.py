"""Epochs over mini-batches until they are done or nothing gets better."""

import time
from typing import Any

import numpy

from skylab.images.algorithms.channels import Rows
from skylab.images.algorithms.told import Told
from skylab.images.failures import ClientError
from skylab.images.linear_learner.hyperparameters import BINARY, MULTICLASS
from skylab.images.linear_learner.losses import Loss
from skylab.images.linear_learner.models import Models
from skylab.images.linear_learner.optimizers import Optimizer

MOMENTUM, FIRST, SECOND = 0.9, 0.9, 0.999
STEP, FACTOR, LOWEST = 10, 0.99, 1e-5  # of the scheduler, where they are auto
BLOCK = 65536  # rows of one evaluation


class Fit:
    def __init__(self, models: Models, loss: Loss, values: dict[str, Any], told: Told, generator: Any) -> None:
        self.models, self.loss, self.values, self.told, self.generator = models, loss, values, told, generator
        self.optimizer = Optimizer(
            values["optimizer"] or "adam",
            _or(values["momentum"], MOMENTUM),
            _or(values["beta_1"], FIRST),
            _or(values["beta_2"], SECOND),
        )
        self.rate = models.rate.copy()
        self.class_weights = numpy.ones(max(values["num_classes"], 1))

    def run(self, train: Rows, validation: Rows | None) -> None:
        """Trains the models in place; every epoch says its loss."""
        self._balance(train)
        epochs, best, waited = self.values["epochs"], numpy.inf, 0
        for epoch in range(epochs):
            began = time.monotonic()
            watched = _least(self._epoch(train))
            self.told.epoch(epoch, "train", self.loss.objective, watched)
            if validation is not None:
                watched = _least(self.objective(validation))
                self.told.epoch(epoch, "validation", self.loss.objective, watched)
            self.told.say(
                f"#early_stopping_criteria_metric: host={self.told.host}, epoch={epoch}, "
                f"criteria={self.loss.objective}, value={float(watched)!r}"
            )
            self.told.progress(epoch + 1, epochs)
            self.told.throughput(len(train), began)
            better = best == numpy.inf or best - watched > abs(best) * self.values["early_stopping_tolerance"]
            best, waited = (watched, 0) if better else (best, waited + 1)
            if waited >= self.values["early_stopping_patience"]:
                self.told.say(f"Early stop condition met. Stopping training after epoch {epoch}.")
                return

    def objective(self, rows: Rows) -> Any:
        """The mean loss of each model."""
        total = numpy.zeros(len(self.models.rate))
        for begin in range(0, len(rows), BLOCK):
            labels = rows.labels[begin : begin + BLOCK]
            loss, _ = self.loss(self.models.scores(rows.features[begin : begin + BLOCK]), labels)
            total += loss.sum(axis=0)
        return total / len(rows)

    def _epoch(self, train: Rows) -> Any:
        size = self.values["mini_batch_size"]
        order, total = self.generator.permutation(len(train)), numpy.zeros(len(self.models.rate))
        for begin in range(0, len(train), size):
            batch = order[begin : begin + size]
            total += self._step(train.features[batch], train.labels[batch])
        return total / len(train)

    def _step(self, features: Any, labels: Any) -> Any:
        models, many = self.models, len(labels)
        loss, slope = self.loss(models.scores(features), labels)
        slope = (slope * self._weights(labels, slope.ndim) / many).astype(numpy.float32)
        weights = (features.T @ slope.reshape(many, -1)).reshape(models.weights.shape)
        per_model = (1, -1) + (1,) * (slope.ndim - 2)
        weights += models.decay.reshape(per_model) * models.weights
        weights += models.sparsity.reshape(per_model) * numpy.sign(models.weights)
        slopes = {"weights": weights} | ({"bias": self._bias(slope)} if self.values["use_bias"] else {})
        rate = self._rate()
        rates = {"weights": rate.reshape(per_model), "bias": rate.reshape(per_model[1:])}
        rates["bias"] = rates["bias"] * _or(self.values["bias_lr_mult"], 1.0)
        self.optimizer.step({"weights": models.weights, "bias": models.bias}, slopes, rates)
        return loss.sum(axis=0)

    def _bias(self, slope: Any) -> Any:
        decay = self.models.decay.reshape((-1,) + (1,) * (slope.ndim - 2))
        return slope.sum(axis=0) + decay * _or(self.values["bias_wd_mult"], 0.0) * self.models.bias

    def _rate(self) -> Any:
        if self.values["use_lr_scheduler"] and self.optimizer.steps:
            if self.optimizer.steps % _or(self.values["lr_scheduler_step"], STEP) == 0:
                lower = self.rate * _or(self.values["lr_scheduler_factor"], FACTOR)
                self.rate = numpy.maximum(lower, _or(self.values["lr_scheduler_minimum_lr"], LOWEST))
        return self.rate

    def _balance(self, train: Rows) -> None:
        if self.values["predictor_type"] == MULTICLASS and self.values["balance_multiclass_weights"]:
            counted = numpy.bincount(train.labels.astype(int), minlength=len(self.class_weights))
            self.class_weights = len(train) / (len(counted) * numpy.maximum(counted, 1))

    def _weights(self, labels: Any, dimensions: int) -> Any:
        if self.values["predictor_type"] == BINARY:
            return numpy.where(labels[:, None] > 0, self.models.positive, 1.0)
        if self.values["predictor_type"] == MULTICLASS:
            return self.class_weights[labels.astype(int)].reshape((-1,) + (1,) * (dimensions - 1))
        return 1.0


def _least(losses: Any) -> float:
    """Of the models that have not run away. Raises ClientError where all have."""
    kept = losses[numpy.isfinite(losses)]
    if not len(kept):
        raise ClientError("The loss of every model has run away to infinity: a lower learning_rate may help.")
    return float(kept.min())


def _or(given: Any, otherwise: Any) -> Any:
    return otherwise if given is None else given
