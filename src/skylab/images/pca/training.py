"""Principal components: regular from the covariance, gathered by mini-batches; randomized from a sketch of the rows.

model_algo-1 holds mean, v and s. As in the image the largest component is the last column of v, the last of s, and the
last number of a projection. https://docs.aws.amazon.com/sagemaker/latest/dg/how-pca-works.html
"""

import time
from typing import Any

import numpy

from skylab.images.algorithms import arrays
from skylab.images.algorithms.channels import Rows
from skylab.images.algorithms.training import Algorithm, Work
from skylab.images.failures import ClientError
from skylab.images.pca.hyperparameters import TABLE

EXTRA = 10  # components of the sketch beyond those asked for, at least, where extra_components is -1


def fit(work: Work) -> None:
    values, train = work.values, work.train
    began, many = time.monotonic(), values["num_components"]
    if many > min(train.width, len(train)):
        raise ClientError(
            f"The hyperparameter num_components is {many}, more than the records ({len(train)}) or the features "
            f"({train.width}) allow."
        )
    mean = numpy.asarray(train.features.mean(axis=0, dtype=float)).ravel()
    if not values["subtract_mean"]:
        mean = numpy.zeros_like(mean)
    find = _regular if values["algorithm_mode"] == "regular" else _randomized
    components, sizes = find(train, mean, values)
    signs = numpy.sign(components[numpy.abs(components).argmax(axis=0), numpy.arange(many)])
    components = components * signs  # so that the same data give the same components
    work.told.progress(1, 1)
    work.told.throughput(len(train), began)
    for name, rows in work.rows.items():
        work.told.score(name, "reconstruction_mse", _lost(rows, mean, components))
    kept = {"mean": mean[None], "v": components, "s": sizes}
    work.model.write_bytes(arrays.written({name: each.astype("<f4") for name, each in kept.items()}))


def _regular(train: Rows, mean: Any, values: dict[str, Any]) -> tuple[Any, Any]:
    """(components in columns, their singular values), the smallest first."""
    from scipy.linalg import eigh

    gram, size = numpy.zeros((train.width, train.width)), values["mini_batch_size"]
    for begin in range(0, len(train), size):
        batch = train.features[begin : begin + size]
        batch = batch.toarray() if train.sparse else batch
        batch = batch.astype(float) - mean
        gram += batch.T @ batch
    top = [train.width - values["num_components"], train.width - 1]
    squares, components = eigh(gram, subset_by_index=top)
    return components, numpy.sqrt(numpy.maximum(squares, 0))


def _randomized(train: Rows, mean: Any, values: dict[str, Any]) -> tuple[Any, Any]:
    from sklearn.utils.extmath import randomized_svd

    many, extra = values["num_components"], values["extra_components"]
    extra = max(EXTRA, many) if extra < 1 else extra
    centered = train.features if train.sparse and not mean.any() else train.dense - mean
    _, sizes, rows = randomized_svd(centered, many, n_oversamples=extra, random_state=0)
    return rows[::-1].T, sizes[::-1]


def _lost(rows: Rows, mean: Any, components: Any) -> float:
    """The mean squared length of what the components leave of a row."""
    centered = rows.dense - mean
    return float(numpy.mean((centered**2).sum(axis=1) - ((centered @ components) ** 2).sum(axis=1)))


ALGORITHM = Algorithm("PCA", TABLE, ("train", "test"), fit)
