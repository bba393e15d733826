"""LightGBM as a job and as a server, beside the library itself."""

import json

import lightgbm
import numpy
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from skylab.services.sagemaker.jobs.families import metrics

from ..conftest import csv
from ..serving import lines, serving
from .steps import asked, final_metrics, refused, trained

GIVEN = {"num_boost_round": "30", "num_threads": "1"}


def parts(data):
    whole = numpy.column_stack([data.target, data.data])
    held = numpy.arange(len(whole)) % 4 == 0
    return whole[~held], whole[held]


def test_a_binary_classifier_is_lightgbms_own_and_answers_probabilities(job):
    train, held = parts(load_breast_cancer())
    job.channels("text/csv", training=csv(train), validation=csv(held))
    job.config("hyperparameters", GIVEN | {"metric": "auc", "learning_rate": "0.2"})

    code, log = job.run("lightgbm-classification")

    assert code == 0, log
    assert final_metrics(log, metrics("lightgbm-classification"))["auc"] > 0.98
    direct = lightgbm.Booster(model_file=job.base / "model" / "model.txt")
    assert direct.params["learning_rate"] == 0.2 and direct.params["num_leaves"] == 64
    with serving(job, "lightgbm-classification") as caller:
        body = caller.ask(body=lines(held[:5, 1:]), content_type="text/csv", accept="application/json;verbose")[1]
        answer = json.loads(body)
        assert answer["labels"] == [0, 1] and answer["predicted_label"] == held[:5, 0].tolist()
        assert numpy.allclose([row[1] for row in answer["probabilities"]], direct.predict(held[:5, 1:]))
        body = caller.ask(body=lines(held[:5, 1:]), content_type="text/csv")[1]
        assert set(json.loads(body)) == {"probabilities"}
        assert caller.ask(body="1,2", content_type="text/csv")[0] == 400
        assert caller.ask(body="{}", content_type="application/json")[0] == 415


def test_a_regression_with_categories_and_missing_cells(job, capsys):
    train, held = parts(load_diabetes(scaled=False))
    train[::7, 3] = numpy.nan
    job.channels("text/csv", train=csv(train).replace(b"nan", b""))
    (job.base / "input" / "data" / "train" / "categorical_index.json").write_text('{"cat_index_list": [2]}')
    job.config("hyperparameters", GIVEN)

    log = trained(job, "lightgbm-regression", capsys)

    assert final_metrics(log, metrics("lightgbm-regression"))["rmse"] < 0.95 * held[:, 0].std()
    assert "1:2 " in (job.base / "model" / "model.txt").read_text().partition("feature_infos=")[2][:200]
    answer = asked(job, "lightgbm-regression", b"59,2,,101,157,93.2,38,4,4.8598,87\n23,1,2,8,9,1,1,1,1,1\n")
    assert len(answer["prediction"]) == 2


def test_the_plain_name_classifies_several_classes(job, capsys):
    train, held = parts(load_iris())
    train[:, 0] += 5
    job.channels("text/csv", train=csv(train))
    job.config("hyperparameters", GIVEN)

    log = trained(job, "lightgbm", capsys)

    assert "multi_logloss" in final_metrics(log, metrics("lightgbm"))
    assert json.loads((job.base / "model" / "labels.json").read_text()) == [5, 6, 7]


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"use_dask": "True"}, "The hyperparameter use_dask is not supported here"),
        ({"metric": "rmse"}, "Hyperparameter metric: 'rmse' is not one of ['binary_logloss'"),
        ({"objective": "l1"}, "Additional hyperparameters are not allowed ('objective' was unexpected)"),
        ({"is_unbalance": "true", "scale_pos_weight": "2"}, "Cannot set is_unbalance and scale_pos_weight"),
        ({"num_leaves": "1"}, "Hyperparameter num_leaves: 1 is not in range [2, 131072]"),
    ],
)
def test_what_the_user_can_cure_is_told_so(job, changed, text):
    job.channels("text/csv", train=csv(parts(load_breast_cancer())[0]))
    job.config("hyperparameters", GIVEN | changed)

    assert refused(job, "lightgbm-classification").startswith(f"ClientError: {text}")


def test_shards_on_several_hosts_are_refused(job):
    job.channels("text/csv", train=b"1,2\n0,3\n")
    config = json.loads((job.base / "input" / "config" / "inputdataconfig.json").read_text())
    config["train"]["S3DistributionType"] = "ShardedByS3Key"
    job.config("inputdataconfig", config)
    job.hosts(hosts=("algo-1", "algo-2"))
    job.config("hyperparameters", GIVEN)

    assert "LightGBM trains on one instance here" in refused(job, "lightgbm-classification")
