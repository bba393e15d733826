"""The random cut forest: its trees are what the paper says, its scores find anomalies, its job and server."""

import json
import math

import numpy
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from skylab.images.random_cut_forest.forest import grown
from skylab.images.random_cut_forest.scoring import Scorer
from skylab.services.sagemaker.jobs.families import metrics

from ..conftest import csv
from ..serving import lines, serving
from .steps import final_metrics, records_of, refused


def drawn(seed=0):
    return numpy.random.default_rng(seed)


def series(points=2000, every=200):
    """A daily curve with noise; (shingles of 8, whether one holds a spike)."""
    times = numpy.arange(points)
    values = numpy.sin(2 * numpy.pi * times / 48) + 0.1 * drawn().normal(size=points)
    spikes = numpy.arange(every, points - 8, every)
    values[spikes] += 2.5
    shingles = numpy.lib.stride_tricks.sliding_window_view(values, 8).astype("float32")
    marked = numpy.isin(numpy.arange(len(shingles))[:, None] + numpy.arange(8), spikes).any(axis=1)
    return shingles, marked


def score_by_recursion(forest, point, node, depth=0):
    """The same score as a text book would write it."""
    low, high = forest.low[node].astype(float), forest.high[node].astype(float)
    if forest.right[node] < 0 and (low == point).all():
        mass = int(forest.mass[node])
        return (1 - mass / (2 * forest.samples)) / (depth + math.log2(mass + 1))
    if forest.right[node] < 0:
        return 1 / (depth + 1)
    wide = (numpy.maximum(high, point) - numpy.minimum(low, point)).sum()
    parted = (wide - (high - low).sum()) / wide
    child = forest.right[node] - (point[forest.dimension[node]] <= forest.cut[node])
    return parted / (depth + 1) + (1 - parted) * score_by_recursion(forest, point, child, depth + 1)


def test_a_tree_parts_its_sample_into_single_points_by_cuts_within_boxes():
    rows = numpy.repeat(drawn().normal(size=(60, 3)), [1, 2] * 30, axis=0).astype("float32")
    forest = grown(rows, 50, 64, drawn())

    inner = forest.right >= 0
    left = forest.right[inner] - 1
    assert (forest.mass[left] + forest.mass[left + 1] == forest.mass[inner]).all() and (forest.mass >= 1).all()
    assert (forest.low[~inner] == forest.high[~inner]).all() and (forest.mass[:50] == 64).all()
    dimension, at = forest.dimension[inner], numpy.arange(len(left))
    assert (forest.high[left][at, dimension] <= forest.cut[inner]).all()
    assert (forest.low[left + 1][at, dimension] > forest.cut[inner]).all()


def test_a_dimension_is_cut_in_proportion_to_its_side():
    rows = drawn().uniform(size=(500, 2)).astype("float32") * [3, 1]
    forest = grown(rows.astype("float32"), 1000, 100, drawn())

    assert numpy.mean(forest.dimension[:1000] == 0) == pytest.approx(0.75, abs=0.05)


def test_scores_are_those_of_the_definition():
    rows = drawn().normal(size=(200, 4)).astype("float32")
    forest = grown(rows, 50, 64, drawn())
    points = numpy.concatenate([rows[:20], drawn(1).normal(size=(20, 4)) * 3]).astype("float32")

    ours = Scorer(forest)(points)

    for point, score in zip(points, ours, strict=True):
        trees = [score_by_recursion(forest, point.astype(float), node) for node in range(50)]
        assert score == pytest.approx(numpy.mean(trees) * math.log2(65), rel=1e-5)


def test_one_point_alone_and_rows_all_the_same_have_scores():
    for rows in (numpy.ones((1, 2)), numpy.ones((300, 2))):
        forest = grown(rows.astype("float32"), 50, min(256, len(rows)), drawn())
        same, other = Scorer(forest)(numpy.array([[1, 1], [5, 5]], dtype="float32"))
        assert 0 < same < other


def test_the_job_finds_the_anomalies_and_the_server_scores_as_the_job_did(job):
    rows, marked = series()
    job.channels(train=records_of(rows), test=records_of(rows, marked.astype(float)))
    job.config("hyperparameters", {"feature_dim": "8", "mini_batch_size": "1000"})

    code, log = job.run("randomcutforest")

    assert code == 0, log
    found = final_metrics(log, metrics("randomcutforest"))
    assert set(found) >= {"test:f1", "test:accuracy", "test:precision", "test:recall"}
    assert found["test:accuracy"] > 0.9 and found["test:precision"] > 0.9
    with serving(job, "randomcutforest") as caller:
        body = caller.ask(body=lines(rows), content_type="text/csv", accept="application/json")[1]
        scores = [each["score"] for each in json.loads(body)["scores"]]
        assert roc_auc_score(marked, scores) > 0.97
        body = caller.ask(body=lines(rows[:3]), content_type="text/csv", accept="text/csv")[1]
        assert [float(line) for line in body.splitlines()] == pytest.approx(scores[:3])
        body = caller.ask(body=lines(rows[:3]), content_type="text/csv", accept="application/jsonlines")[1]
        assert [json.loads(line)["score"] for line in body.splitlines()] == pytest.approx(scores[:3])


def test_on_real_data_the_sick_stand_out_from_the_healthy():
    data = load_breast_cancer()
    rows = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    healthy, sick = rows[data.target == 1], rows[data.target == 0][:20]
    seen = numpy.concatenate([healthy, sick]).astype("float32")

    scores = Scorer(grown(seen, 100, 256, drawn()))(seen)

    assert roc_auc_score(numpy.arange(len(seen)) >= len(healthy), scores) > 0.9


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"num_trees": "10"}, "Hyperparameter num_trees: 10 is not in range [50, 1000]"),
        ({"feature_dim": None}, "No value(s) were specified for 'feature_dim'"),
        ({}, "The data of channel 'test' has no labels"),
    ],
)
def test_what_the_user_can_cure_is_told_so(job, changed, text):
    job.channels("text/csv;label_size=0", train=csv(numpy.eye(4)), test=csv(numpy.eye(4)))
    given = {"feature_dim": "4"} | changed
    job.config("hyperparameters", {name: value for name, value in given.items() if value is not None})

    assert refused(job, "randomcutforest").startswith(f"ClientError: {text}")
