"""k-means as AWS describes it: K = k * extra_center_factor centers follow the mini-batches, then k come of the K.

https://docs.aws.amazon.com/sagemaker/latest/dg/algo-kmeans-tech-notes.html
"""

import time
from typing import Any

import numpy

from skylab.images.algorithms import arrays
from skylab.images.algorithms.training import Algorithm, Work
from skylab.images.failures import ClientError
from skylab.images.kmeans.hyperparameters import TABLE

FACTOR = 10  # of extra centers, where it is auto and there are rows enough
ROWS = 20  # that there are to be for each of them
TRIALS = {"random": 10, "kmeans++": 3}  # of Lloyd's algorithm, where they are auto


def fit(work: Work) -> None:
    values, train = work.values, work.train
    k = values["k"]
    if len(train) < k:
        raise ClientError(f"The hyperparameter k is {k}, but there are only {len(train)} records.")
    features = train.dense
    factor = values["extra_center_factor"] or max(1, min(FACTOR, len(train) // (ROWS * k)))
    generator = numpy.random.default_rng(0)
    streaming = Streaming(features, min(k * factor, len(train)), values, generator)
    for epoch in range(values["epochs"]):
        began = time.monotonic()
        streaming.epoch(features)
        work.told.epoch(epoch, "train", "msd", msd(features, streaming.centers))
        work.told.progress(epoch + 1, values["epochs"])
        work.told.throughput(len(train), began)
    centers = _lloyd(streaming.centers, streaming.weights, values)
    for name, rows in work.rows.items():
        mean = msd(rows.dense, centers)
        for metric in values["eval_metrics"]:
            work.told.score(name, metric, mean if metric == "msd" else mean * len(rows))
    work.model.write_bytes(arrays.written({"": centers.astype("<f4")}))


class Streaming:
    """Centers, and how many rows each has drawn to itself. The weights of old rows halve every half_life_time_size."""

    def __init__(self, features: Any, many: int, values: dict[str, Any], generator: Any) -> None:
        self.size, self.generator = values["mini_batch_size"], generator
        self.half_life = values["half_life_time_size"]
        sample = features[generator.permutation(len(features))[: max(self.size, many)]].astype(float)
        if values["init_method"] == "random":
            self.centers = sample[:many].copy()
        else:
            from sklearn.cluster import kmeans_plusplus

            self.centers = kmeans_plusplus(sample, many, random_state=0)[0].astype(float)
        self.weights = numpy.zeros(many)

    def epoch(self, features: Any) -> None:
        order = self.generator.permutation(len(features))
        for begin in range(0, len(order), self.size):
            self._batch(features[order[begin : begin + self.size]])

    def _batch(self, batch: Any) -> None:
        nearest = closest(batch, self.centers)[0]
        if self.half_life:
            self.weights *= 0.5 ** (len(batch) / self.half_life)
        counted = numpy.bincount(nearest, minlength=len(self.centers))
        sums = numpy.zeros_like(self.centers)
        numpy.add.at(sums, nearest, batch)
        total = self.weights + counted
        moved = counted > 0
        kept = self.centers * self.weights[:, None]
        self.centers[moved] = ((kept + sums) / numpy.maximum(total, 1e-30)[:, None])[moved]
        self.weights = total


def _lloyd(centers: Any, weights: Any, values: dict[str, Any]) -> Any:
    from sklearn.cluster import KMeans

    k, used = values["k"], weights > 0
    if used.sum() <= k:
        return centers[numpy.argsort(-weights, kind="stable")[:k]]
    method = values["local_lloyd_init_method"].replace("kmeans++", "k-means++")
    trials = values["local_lloyd_num_trials"] or TRIALS[values["local_lloyd_init_method"]]
    found = KMeans(
        k,
        init=method,
        n_init=trials,
        max_iter=values["local_lloyd_max_iter"],
        tol=values["local_lloyd_tol"],
        random_state=0,
    )
    return found.fit(centers[used], sample_weight=weights[used]).cluster_centers_


def closest(rows: Any, centers: Any) -> tuple[Any, Any]:
    """(number of the nearest center, distance to it) of each row."""
    from sklearn.metrics import pairwise_distances_argmin_min

    nearest, distance = pairwise_distances_argmin_min(rows, centers)
    return nearest, distance


def msd(rows: Any, centers: Any) -> float:
    """The mean squared distance to the nearest center."""
    return float(numpy.mean(closest(rows, centers)[1] ** 2))


ALGORITHM = Algorithm("AWS/KMeansWebscale", TABLE, ("train", "test"), fit)
