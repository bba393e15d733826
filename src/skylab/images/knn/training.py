"""k-NN: sample, reduce, index. https://docs.aws.amazon.com/sagemaker/latest/dg/kNN_how-it-works.html"""

import json
import time
from typing import Any

import numpy

from skylab.images.algorithms import arrays
from skylab.images.algorithms.training import Algorithm, Work
from skylab.images.failures import ClientError
from skylab.images.knn import reduction
from skylab.images.knn.hyperparameters import CLASSIFIER, TABLE, settled
from skylab.images.knn.index import Neighbours, built, prepared

BLOCK = 5000  # rows of one search


def fit(work: Work) -> None:
    import faiss

    values, train, began = settled(work.values), work.train, time.monotonic()
    generator = numpy.random.default_rng(0)
    sample = numpy.sort(generator.permutation(len(train))[: values["sample_size"]])
    if len(sample) < values["k"]:
        raise ClientError(f"The hyperparameter k is {values['k']}, but only {len(sample)} records are sampled.")
    kind, target = values["dimension_reduction_type"], values["dimension_reduction_target"]
    matrix = reduction.matrix(kind, train.width, target, generator) if kind else None
    features = train.features[sample]
    points = prepared(features.toarray() if train.sparse else features, matrix, values["index_metric"])
    labels = train.labels[sample]
    index = built(points, values)
    work.told.progress(1, 1)
    work.told.throughput(len(train), began)
    neighbours = Neighbours(index, labels, matrix, values)
    if "test" in work.rows:
        _report(work, neighbours)
    kept: dict[str, Any] = {
        "index": faiss.serialize_index(index),
        "labels": labels.astype("<f4"),
        "hyperparameters": numpy.frombuffer(json.dumps(values).encode(), dtype="u1"),
    }
    kept |= {} if matrix is None else {"reduction": matrix}
    work.model.write_bytes(arrays.written(kept))


def _report(work: Work, neighbours: Neighbours) -> None:
    rows, said = work.rows["test"], []
    for begin in range(0, len(rows), BLOCK):
        part = rows.features[begin : begin + BLOCK]
        said.append(neighbours.predicted(neighbours.search(part.toarray() if rows.sparse else part)[1]))
    predicted = numpy.concatenate(said)
    if work.values["predictor_type"] == CLASSIFIER:
        work.told.score("test", "accuracy", float(numpy.mean(predicted == rows.labels)), "score")
    else:
        work.told.score("test", "mse", float(numpy.mean((predicted - rows.labels) ** 2)))


ALGORITHM = Algorithm("AWS/KNN", TABLE, ("train", "test"), fit, labelled=True)
