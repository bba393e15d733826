"""The sampled rows in a faiss index, and the labels of those that are nearest."""

from typing import Any

import numpy

from skylab.images.knn.hyperparameters import CLASSIFIER, FLAT, IVF

BITS = 8  # of a code of a product quantizer
PROBED = 8  # one in so many lists is searched
FEWEST = 5


def built(points: Any, values: dict[str, Any]) -> Any:
    """A faiss index. points: float32, already reduced and, for COSINE, of length 1."""
    import faiss

    width = points.shape[1]
    metric = faiss.METRIC_L2 if values["index_metric"] == "L2" else faiss.METRIC_INNER_PRODUCT
    flat = faiss.IndexFlat(width, metric)
    index: Any = flat
    if values["index_type"] != FLAT:
        lists = min(values["faiss_index_ivf_nlists"] or int(len(points) ** 0.5), len(points))
        if values["index_type"] == IVF:
            index = faiss.IndexIVFFlat(flat, width, lists, metric)
        else:
            bits = min(BITS, int(numpy.log2(len(points))))
            index = faiss.IndexIVFPQ(flat, width, lists, values["faiss_index_pq_m"], bits, metric)
        index.cp.min_points_per_centroid = 1  # else it warns of small data
        index.train(points)
        index.nprobe = min(lists, max(FEWEST, lists // PROBED))
    index.add(points)
    return index


class Neighbours:
    def __init__(self, index: Any, labels: Any, reduction: Any, values: dict[str, Any]) -> None:
        self.index, self.labels, self.reduction, self.values = index, labels, reduction, values

    def search(self, rows: Any) -> tuple[Any, Any]:
        """(distances, labels) of the k nearest of each row, the nearest first. Distances are faiss's: L2 squared."""
        rows = prepared(rows, self.reduction, self.values["index_metric"])
        distances, places = self.index.search(rows, self.values["k"])
        return distances, numpy.where(places < 0, numpy.nan, self.labels[places])

    def predicted(self, labels: Any) -> Any:
        if self.values["predictor_type"] != CLASSIFIER:
            return numpy.nanmean(labels, axis=1)
        return numpy.array([_most(row) for row in labels])


def prepared(rows: Any, reduction: Any, metric: str) -> Any:
    reduced = rows if reduction is None else rows @ reduction
    if metric == "COSINE":
        reduced = reduced / numpy.maximum(numpy.linalg.norm(reduced, axis=1, keepdims=True), 1e-30)
    return numpy.ascontiguousarray(reduced, dtype=numpy.float32)


def _most(labels: Any) -> float:
    """The label that most have; of several the one whose bearer is nearest."""
    names, first, counts = numpy.unique(labels[~numpy.isnan(labels)], return_index=True, return_counts=True)
    return float(names[numpy.lexsort((first, -counts))[0]])
