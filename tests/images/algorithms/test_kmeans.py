"""k-means as a job and as a server, beside scikit-learn's."""

import json

import numpy
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from skylab.images.algorithms import arrays, recordio, records
from skylab.services.sagemaker.jobs.families import metrics

from ..conftest import csv
from ..serving import lines, serving
from .steps import final_metrics, records_of, refused

GIVEN = {"feature_dim": "64", "k": "10", "eval_metrics": '["msd", "ssd"]', "force_dense": "True"}


def test_the_clusters_are_about_as_tight_as_scikit_learns_and_are_served(job):
    rows = load_digits().data
    job.channels(train=records_of(rows), test=records_of(rows[:300]))
    job.config("hyperparameters", GIVEN | {"epochs": "3", "init_method": "kmeans++", "mini_batch_size": "500"})

    code, log = job.run("kmeans")

    assert code == 0, log
    theirs = KMeans(10, n_init=3, random_state=0).fit(rows)
    found = final_metrics(log, metrics("kmeans"))
    assert found["train:msd"] < 1.05 * theirs.inertia_ / len(rows)
    assert found["test:ssd"] == pytest.approx(300 * found["test:msd"])
    centers = arrays.read((job.base / "model" / "model_algo-1").read_bytes())["0"]
    assert centers.shape == (10, 64)
    with serving(job, "kmeans") as caller:
        answer = json.loads(caller.ask(body=lines(rows[:5]), content_type="text/csv")[1])["predictions"]
        far = numpy.linalg.norm(rows[:5, None] - centers[None], axis=2)
        assert [each["closest_cluster"] for each in answer] == far.argmin(axis=1).tolist()
        assert numpy.allclose([each["distance_to_cluster"] for each in answer], far.min(axis=1), atol=1e-3)
        binary = "application/x-recordio-protobuf"
        body = caller.ask(body=records_of(rows[:1]), content_type=binary, accept=binary)[1]
        assert set(records.read(next(recordio.read(body))).label) == {"closest_cluster", "distance_to_cluster"}
        body = caller.ask(body=records_of(csr_matrix(rows[:1])), content_type=binary)[1]
        assert json.loads(body)["predictions"][0] == pytest.approx(answer[0], abs=1e-3)


def test_old_rows_count_less_where_they_have_a_half_life(job):
    old, new = numpy.zeros((1000, 1)), numpy.full((1000, 1), 10.0)
    given = {"mini_batch_size": 100, "half_life_time_size": 50, "init_method": "random"}
    from skylab.images.kmeans.training import Streaming

    streaming = Streaming(old, 1, given, numpy.random.default_rng(0))
    streaming.epoch(old)
    streaming.epoch(new)

    assert streaming.centers[0, 0] > 9.9


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"k": None, "feature_dim": None}, "No value(s) were specified for 'feature_dim', 'k' which are required"),
        ({"k": "500"}, "The hyperparameter k is 500, but there are only 40 records"),
        ({"eval_metrics": "msd"}, "Hyperparameter must be valid json, but found eval_metrics: msd"),
        ({"init_method": "best"}, "Hyperparameter init_method: 'best' is not one of ['random', 'kmeans++']"),
    ],
)
def test_what_the_user_can_cure_is_told_so(job, changed, text):
    job.channels("text/csv;label_size=0", train=csv(numpy.ones((40, 2))))
    given = GIVEN | {"feature_dim": "2", "k": "3"} | changed
    job.config("hyperparameters", {name: value for name, value in given.items() if value is not None})

    assert refused(job, "kmeans").startswith(f"ClientError: {text}")
