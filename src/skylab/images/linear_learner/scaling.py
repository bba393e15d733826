"""Features and labels of about one size while the models train; the weights are then taken back to the user's scale."""

from dataclasses import dataclass
from typing import Any

import numpy

from skylab.images.algorithms.channels import Rows


@dataclass(frozen=True)
class Scale:
    """x' = (x - mean) / deviation; of features one number each, of labels one."""

    mean: Any
    deviation: Any
    label_mean: float = 0.0
    label_deviation: float = 1.0

    def rows(self, rows: Rows) -> Rows:
        """Sparse features keep their zeros: their mean is 0."""
        if rows.sparse:
            features = rows.features.multiply(1 / self.deviation).tocsr()
        else:
            features = (rows.features - self.mean) / self.deviation
        labels = (rows.labels - self.label_mean) / self.label_deviation
        return Rows(features.astype(numpy.float32), labels.astype(numpy.float32))

    def undone(self, weights: Any, bias: Any) -> tuple[Any, Any]:
        """weights: features x models (x classes) of scaled rows; the same for rows as they came."""
        spread = self.deviation.reshape(-1, *([1] * (weights.ndim - 1)))
        plain = weights / spread * self.label_deviation
        shift = numpy.tensordot(self.mean, plain, axes=1)
        return plain, bias * self.label_deviation + self.label_mean - shift


def of(rows: Rows, values: dict[str, Any], generator: Any) -> Scale:
    """Measured on num_point_for_scaler rows."""
    sample = generator.permutation(len(rows))[: values["num_point_for_scaler"]]
    features, labels = rows.features[sample], rows.labels[sample].astype(float)
    mean, deviation = _moments(features, rows.sparse)
    unbiased = values["unbias_data"] if values["unbias_data"] is not None else values["use_bias"]
    if rows.sparse or not unbiased:
        mean = numpy.zeros_like(mean)
    if not values["normalize_data"]:
        deviation = numpy.ones_like(deviation)
    return Scale(
        mean,
        numpy.where(deviation > 0, deviation, 1.0),
        float(labels.mean()) if values["unbias_label"] and values["use_bias"] else 0.0,
        float(labels.std()) or 1.0 if values["normalize_label"] else 1.0,
    )


def _moments(features: Any, sparse: bool) -> tuple[Any, Any]:
    if not sparse:
        return features.mean(axis=0, dtype=float), features.std(axis=0, dtype=float)
    mean = numpy.asarray(features.mean(axis=0, dtype=float)).ravel()
    squares = numpy.asarray(features.multiply(features).mean(axis=0, dtype=float)).ravel()
    return mean, numpy.sqrt(numpy.maximum(squares - mean**2, 0))
