"""PCA as a job and as a server: the components are scikit-learn's up to their signs, the largest last."""

import json

import numpy
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA, TruncatedSVD

from skylab.images.algorithms import arrays

from ..conftest import csv
from ..serving import lines, serving
from .steps import records_of, refused, trained

GIVEN = {"feature_dim": "13", "num_components": "4", "mini_batch_size": "50"}


def model_of(job):
    return arrays.read((job.base / "model" / "model_algo-1").read_bytes())


def alike(ours, theirs):
    """Up to the sign of each column."""
    return numpy.allclose(numpy.abs(ours), numpy.abs(theirs), atol=2e-3 * numpy.abs(theirs).max())


@pytest.mark.parametrize("mode", ["regular", "randomized"])
def test_the_components_are_those_of_scikit_learn(job, mode, capsys):
    rows = load_wine().data
    job.channels("text/csv;label_size=0", train=csv(rows), test=csv(rows[:20]))
    job.config("hyperparameters", GIVEN | {"algorithm_mode": mode})

    log = trained(job, "pca", capsys)

    theirs, ours = PCA(4, svd_solver="full").fit(rows), model_of(job)
    assert alike(ours["v"], theirs.components_[::-1].T)
    assert numpy.allclose(ours["s"], theirs.singular_values_[::-1], rtol=1e-3)
    assert numpy.allclose(ours["mean"][0], theirs.mean_, rtol=1e-5)
    assert "#test_score (algo-1) : ('reconstruction_mse'" in log
    if mode == "randomized":
        return
    with serving(job, "pca") as caller:
        body = caller.ask(body=lines(rows[:3]), content_type="text/csv", accept="application/json")[1]
        projected = [each["projection"] for each in json.loads(body)["projections"]]
        assert alike(numpy.array(projected), theirs.transform(rows[:3])[:, ::-1])
        body = caller.ask(body=lines(rows[:3]), content_type="text/csv", accept="application/jsonlines")[1]
        assert [json.loads(line)["projection"] for line in body.splitlines()] == projected


def test_sparse_rows_and_no_mean(job, capsys):
    rows = load_digits().data[:300]
    job.channels(train=records_of(csr_matrix(rows)))
    job.config("hyperparameters", GIVEN | {"feature_dim": "64", "subtract_mean": "False"})

    trained(job, "pca", capsys)

    theirs = TruncatedSVD(4, algorithm="arpack").fit(rows)
    assert alike(model_of(job)["v"], theirs.components_[::-1].T) and not model_of(job)["mean"].any()


def test_more_components_than_features_are_refused(job):
    job.channels("text/csv;label_size=0", train=csv(numpy.eye(5)))
    job.config("hyperparameters", GIVEN | {"feature_dim": "5", "num_components": "6"})

    assert refused(job, "pca").startswith("ClientError: The hyperparameter num_components is 6, more than")
