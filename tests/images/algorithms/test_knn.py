"""k-NN as a job and as a server, beside brute force."""

import json

import numpy
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors

from skylab.images.knn import reduction
from skylab.images.knn.index import Neighbours, built
from skylab.services.sagemaker.jobs.families import metrics

from ..conftest import csv
from ..serving import lines, serving
from .steps import asked, final_metrics, refused, trained

GIVEN = {"feature_dim": "64", "k": "5", "predictor_type": "classifier", "sample_size": "2000"}


def digits():
    data = load_digits()
    return data.data[:1400], data.target[:1400], data.data[1400:], data.target[1400:]


def table(features, labels):
    return csv(numpy.column_stack([labels, features]))


def test_a_classifier_answers_as_brute_force_does_and_tells_its_neighbours(job):
    x, y, held_x, held_y = digits()
    job.channels("text/csv", train=table(x, y), test=table(held_x, held_y))
    job.config("hyperparameters", GIVEN)

    code, log = job.run("knn")

    assert code == 0, log
    theirs = KNeighborsClassifier(5, algorithm="brute").fit(x, y).score(held_x, held_y)
    assert final_metrics(log, metrics("knn"))["test:accuracy"] == pytest.approx(theirs, abs=0.01)
    assert "#test_score (algo-1) : ('accuracy', 0.9" in log
    with serving(job, "knn") as caller:
        asked = {"content_type": "text/csv", "accept": "application/json; verbose=true"}
        answer = json.loads(caller.ask(body=lines(held_x[:4]), **asked)[1])["predictions"]
        far, near = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(x).kneighbors(held_x[:4])
        assert numpy.allclose([each["distances"] for each in answer], far**2)
        assert [each["labels"] for each in answer] == y[near].tolist()
        assert set(json.loads(caller.ask(body=lines(held_x[:1]), content_type="text/csv")[1])["predictions"][0]) == {
            "predicted_label"
        }


def test_a_regressor_answers_the_mean_of_its_neighbours(job, capsys):
    data = load_diabetes()
    x, y = data.data[:350], data.target[:350]
    job.channels("text/csv", train=table(x, y), test=table(data.data[350:], data.target[350:]))
    job.config("hyperparameters", GIVEN | {"feature_dim": "10", "predictor_type": "regressor"})

    log = trained(job, "knn", capsys)

    theirs = KNeighborsRegressor(5, algorithm="brute").fit(x, y).predict(data.data[350:])
    mse = numpy.mean((theirs - data.target[350:]) ** 2)
    assert final_metrics(log, metrics("knn"))["test:mse"] == pytest.approx(mse, rel=1e-3)


@pytest.mark.parametrize(
    "more",
    [
        {"index_type": "faiss.IVFFlat"},
        {"index_type": "faiss.IVFPQ", "faiss_index_pq_m": 16},
        {"index_metric": "COSINE"},
        {"index_metric": "INNER_PRODUCT"},
    ],
)
def test_other_indices_find_nearly_the_same_labels(more):
    x, y, held_x, held_y = (part.astype("float32") for part in digits())
    values = {"k": 5, "predictor_type": "classifier", "index_type": "faiss.Flat", "index_metric": "L2"}
    values |= {"faiss_index_ivf_nlists": None} | more
    if more.get("index_metric") == "COSINE":
        x = x / numpy.linalg.norm(x, axis=1, keepdims=True)
    found = Neighbours(built(x, values), y, None, values)

    assert numpy.mean(found.predicted(found.search(held_x)[1]) == held_y) > (
        0.6 if more.get("index_metric") == "INNER_PRODUCT" else 0.9
    )


@pytest.mark.parametrize("kind", ["sign", "fjlt"])
def test_a_reduction_keeps_distances_about_as_they_are(kind):
    drawn = numpy.random.default_rng(0)
    rows = drawn.normal(size=(50, 500)) * (drawn.random(500) < 0.02)
    reduced = rows @ reduction.matrix(kind, 500, 200, drawn)

    share = numpy.linalg.norm(reduced[1:] - reduced[0], axis=1) / numpy.linalg.norm(rows[1:] - rows[0], axis=1)
    assert 0.75 < share.min() and share.max() < 1.25


def test_reduced_and_sampled_it_still_serves(job, capsys):
    x, y, held_x, held_y = digits()
    job.channels("text/csv", train=table(x, y), test=table(held_x, held_y))
    more = {"dimension_reduction_type": "fjlt", "dimension_reduction_target": "32", "sample_size": "900"}
    job.config("hyperparameters", GIVEN | more)

    log = trained(job, "knn", capsys)

    assert final_metrics(log, metrics("knn"))["test:accuracy"] > 0.85
    assert asked(job, "knn", lines(held_x[:1]).encode())["predictions"][0]["predicted_label"] in range(10)


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"dimension_reduction_type": "sign"}, "No value(s) were specified for 'dimension_reduction_target'"),
        ({"index_type": "faiss.IVFPQ", "faiss_index_pq_m": "96"}, "faiss_index_pq_m: 96 is not one of"),
        ({"k": "50"}, "The hyperparameter k is 50, but only 3 records are sampled."),
        ({}, "The data of channel 'train' has no labels."),
    ],
)
def test_what_the_user_can_cure_is_told_so(job, changed, text):
    job.channels("text/csv" if changed else "text/csv;label_size=0", train=b"0,1,2\n" * 3)
    job.config("hyperparameters", GIVEN | {"feature_dim": "2" if changed else "3", "k": "2"} | changed)

    assert refused(job, "knn").startswith(f"ClientError: {text}")
