"""A forest from its channel, tested where there is a test channel with labels.

https://docs.aws.amazon.com/sagemaker/latest/dg/randomcutforest.html
"""

import time
from typing import Any

import numpy

from skylab.images.algorithms import arrays
from skylab.images.algorithms.training import Algorithm, Work
from skylab.images.failures import ClientError
from skylab.images.random_cut_forest.forest import Forest, grown
from skylab.images.random_cut_forest.hyperparameters import TABLE
from skylab.images.random_cut_forest.scoring import Scorer

DEVIATIONS = 3  # from the mean score, beyond which AWS calls a point anomalous


def fit(work: Work) -> None:
    values, train, began = work.values, work.train, time.monotonic()
    test = work.rows.get("test")
    if test is not None and test.labels is None:
        raise ClientError("The data of channel 'test' has no labels: text/csv needs label_size=1.")
    samples = min(values["num_samples_per_tree"], len(train))
    if samples < values["num_samples_per_tree"]:
        work.told.say(f"num_samples_per_tree is {samples}, since there are no more records.")
    forest = grown(train.dense, values["num_trees"], samples, numpy.random.default_rng(0))
    work.told.progress(1, 1)
    work.told.throughput(len(train), began)
    if test is not None:
        _report(work, Scorer(forest)(test.dense), test.labels > 0)
    work.model.write_bytes(arrays.written(_kept(forest)))


def _report(work: Work, scores: Any, truth: Any) -> None:
    said = scores > scores.mean() + DEVIATIONS * scores.std()
    hits, named, real = float((said & truth).sum()), float(said.sum()), float(truth.sum())
    if "accuracy" in work.values["eval_metrics"]:
        work.told.score("test", "accuracy", float(numpy.mean(said == truth)), "score")
    if "precision_recall_fscore" in work.values["eval_metrics"]:
        work.told.score("test", "precision", hits / named if named else 0.0, "score")
        work.told.score("test", "recall", hits / real if real else 0.0, "score")
        work.told.score("test", "f1", 2 * hits / (named + real) if named + real else 0.0, "score")


def _kept(forest: Forest) -> dict[str, Any]:
    whole = {name: getattr(forest, name).astype("<i4") for name in ("right", "dimension", "mass")}
    real = {name: getattr(forest, name).astype("<f4") for name in ("cut", "low", "high")}
    return whole | real | {"trees": numpy.array([forest.trees], dtype="<i4")}


ALGORITHM = Algorithm("RandomCutForest", TABLE, ("train", "test"), fit)
