"""The linear learner as a job and as a server, beside scikit-learn and the closed form."""

import io
import json
import re
import zipfile

import numpy
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

from skylab.images.algorithms import arrays, recordio, records
from skylab.images.linear_learner.calibration import Criterion
from skylab.images.linear_learner.losses import NAMES, Loss
from skylab.services.sagemaker.jobs.families import metrics

from ..conftest import csv
from ..serving import lines, serving
from .steps import asked, final_metrics, records_of, refused, trained

BINARY = {"predictor_type": "binary_classifier", "mini_batch_size": "50", "epochs": "30"}


def split(data, every=4):
    held = numpy.arange(len(data.target)) % every == 0
    return data.data[~held], data.target[~held], data.data[held], data.target[held]


def table(features, labels):
    return csv(numpy.column_stack([labels, features]))


def weights_of(job):
    with zipfile.ZipFile(job.base / "model" / "model_algo-1") as packed:
        assert {"mx-mod-symbol.json", "additional-params.json", "manifest.json"} < set(packed.namelist())
        return arrays.read(packed.read("mx-mod-0000.params"))


def test_a_binary_classifier_is_as_good_as_logistic_regression_and_serves_every_format(job):
    x, y, held_x, held_y = split(load_breast_cancer())
    job.channels("text/csv;label_size=1", train=table(x, y), validation=table(held_x, held_y))
    job.config("hyperparameters", BINARY)

    code, log = job.run("linear-learner")

    assert code == 0, log
    scaler = StandardScaler().fit(x)
    theirs = LogisticRegression(max_iter=1000).fit(scaler.transform(x), y).score(scaler.transform(held_x), held_y)
    found = final_metrics(log, metrics("linear-learner"))
    assert found["validation:binary_classification_accuracy"] >= theirs - 0.01
    assert {"train:objective_loss", "validation:objective_loss", "validation:roc_auc_score", "train:progress"} < set(
        found
    )
    assert re.search(r"#train_score \(algo-1\) : \('binary_f_1.000', 0.9\d+\)", log)
    with serving(job, "linear-learner") as caller:
        status, body, _ = caller.ask(body=lines(held_x), content_type="text/csv")
        answers = json.loads(body)["predictions"]
        assert (
            status == 200 and numpy.mean([a["predicted_label"] == t for a, t in zip(answers, held_y)]) >= theirs - 0.01
        )
        assert all(0 <= answer["score"] <= 1 for answer in answers)
        row = held_x[0].tolist()
        same = answers[0]["score"]
        for asked in ({"features": row}, {"data": {"features": {"values": row}}}):
            body = caller.ask(body=json.dumps({"instances": [asked]}), content_type="application/json")[1]
            assert json.loads(body)["predictions"][0]["score"] == pytest.approx(same, abs=1e-5)
            body = caller.ask(
                body=json.dumps(asked), content_type="application/jsonlines", accept="application/jsonlines"
            )[1]
            assert json.loads(body)["score"] == pytest.approx(same, abs=1e-5)
        binary = "application/x-recordio-protobuf"
        body = caller.ask(body=records_of(held_x[:2]), content_type=binary, accept=binary)[1]
        label = [records.read(each).label for each in recordio.read(body)][0]
        assert label["score"].values[0] == pytest.approx(same, abs=1e-5) and label["predicted_label"].values[0] in (
            0,
            1,
        )
        assert caller.ask(body=lines(held_x[:1]), content_type="text/csv", accept="text/csv")[1].count(b",") == 1
        for body, kind, status in (
            ("1,2", "text/csv", 400),
            ("", "text/csv", 400),
            ("1,2\n1", "text/csv", 400),
            ('{"instances": []}', "application/json", 400),
            ("{", "application/json", 400),
            ('{"instances": [{"features": "x"}]}', "application/json", 400),
            ("x", binary, 400),
            ("x", "image/png", 415),
        ):
            assert caller.ask(body=body, content_type=kind)[0] == status
        assert caller.ask(body=lines(held_x[:1]), content_type="text/csv", accept="image/png")[0] == 406


def test_a_regressor_comes_to_the_closed_form(job, capsys):
    data = load_diabetes()
    job.channels("text/csv", train=table(data.data, data.target))
    job.config(
        "hyperparameters",
        {"predictor_type": "regressor", "feature_dim": "10", "mini_batch_size": "442", "epochs": "1500"}
        | {"learning_rate": "0.1", "wd": "0", "l1": "0", "early_stopping_patience": "300", "num_models": "1"},
    )

    trained(job, "linear-learner", capsys)

    direct = LinearRegression().fit(data.data, data.target)
    kept = weights_of(job)
    ours = data.data @ kept["arg:fc0_weight"][0] + kept["arg:fc0_bias"][0]
    assert numpy.mean((ours - direct.predict(data.data)) ** 2) < 0.001 * numpy.var(data.target)
    rows = data.data[:1]
    answer = asked(job, "linear-learner", lines(rows).encode())
    assert answer == {"predictions": [{"score": pytest.approx(ours[0], rel=1e-4)}]}


def test_a_multiclass_classifier_answers_a_score_for_each_class(job, capsys):
    x, y, held_x, held_y = split(load_iris())
    job.channels(train=records_of(x, y), test=records_of(held_x, held_y))
    job.config(
        "hyperparameters",
        {"predictor_type": "multiclass_classifier", "num_classes": "3", "mini_batch_size": "16", "epochs": "40"},
    )

    log = trained(job, "linear-learner", capsys)

    found = final_metrics(log, metrics("linear-learner"))
    assert found["test:multiclass_accuracy"] > 0.9 and found["test:multiclass_top_k_accuracy"] == 1
    assert {"test:dcg", "test:macro_f_beta", "test:macro_recall", "test:macro_precision"} < set(found)
    answer = asked(job, "linear-learner", lines(held_x[:1]).encode())["predictions"][0]
    assert sum(answer["score"]) == pytest.approx(1) and answer["predicted_label"] == held_y[0]


def test_sparse_records_train_as_dense_ones_do(job, capsys):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    drawn = numpy.random.default_rng(0)
    x = numpy.where(drawn.random((400, 30)) < 0.1, drawn.normal(size=(400, 30)), 0)
    y = (x @ drawn.normal(size=30) > 0).astype(float)
    job.channels(train=records_of(scipy_sparse.csr_matrix(x), y))
    job.config("hyperparameters", BINARY | {"feature_dim": "30"})

    log = trained(job, "linear-learner", capsys)

    assert final_metrics(log, metrics("linear-learner"))["train:binary_classification_accuracy"] > 0.95


@pytest.mark.parametrize(
    "changed, text",
    [
        (
            {"predictor_type": None},
            "No value(s) were specified for 'predictor_type' which are required hyperparameter(s)",
        ),
        ({"colour": "red"}, "Additional hyperparameters are not allowed ('colour' was unexpected)"),
        ({"epochs": "0"}, "Hyperparameter epochs: 0 is not in range [1, inf]"),
        ({"loss": "softmax_loss"}, "Hyperparameter loss: 'softmax_loss' is not one of ['logistic', 'hinge_loss']"),
        ({"mini_batch_size": "5000"}, "No training data processed."),
        ({"feature_dim": "7"}, "The hyperparameter feature_dim is 7, but the data of channel 'train' has 2 features"),
    ],
)
def test_what_the_user_can_cure_is_told_so(job, changed, text):
    job.channels("text/csv", train=b"0,1,2\n1,3,4\n" * 50)
    given = {name: value for name, value in (BINARY | changed).items() if value is not None}
    job.config("hyperparameters", given)

    assert refused(job, "linear-learner").startswith(f"ClientError: {text}")


def test_a_model_channel_is_refused_since_it_cannot_go_on_from_a_model(job):
    job.channels("text/csv", train=b"0,1,2\n1,3,4\n", model=b"x")
    job.config("hyperparameters", BINARY)

    assert job.run("linear-learner")[0] == 1
    assert "Additional properties are not allowed ('model' was unexpected)" in job.failure


def test_a_model_that_runs_away_is_left_behind_and_if_all_do_it_is_told(job, capsys):
    data = load_diabetes()
    job.channels("text/csv", train=table(data.data, data.target))
    given = {"predictor_type": "regressor", "optimizer": "sgd", "mini_batch_size": "50", "epochs": "30"}
    job.config("hyperparameters", given | {"learning_rate": "1e5"})
    assert refused(job, "linear-learner").startswith("ClientError: The loss of every model has run away")

    job.config("hyperparameters", given)
    log = trained(job, "linear-learner", capsys)
    assert final_metrics(log, metrics("linear-learner"))["train:mse"] < 0.6 * numpy.var(data.target)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "softmax_loss"])
def test_the_slope_of_a_loss_is_its_slope(name):
    loss, step = Loss(name), 1e-6
    scores = numpy.array([[-2.03], [-0.4], [0.3], [1.7], [3.1]])
    labels = numpy.array([1.0, 0.0, 1.0, 0.0, 1.0])

    rise = (loss(scores + step, labels)[0] - loss(scores - step, labels)[0]) / (2 * step)

    assert numpy.allclose(rise, loss(scores, labels)[1], atol=1e-4)


def test_the_slope_of_softmax_is_its_slope():
    loss, step = Loss("softmax_loss"), 1e-6
    scores, labels = numpy.random.default_rng(0).normal(size=(4, 1, 3)), numpy.array([0, 1, 2, 1])
    for number in range(3):
        moved = numpy.zeros(3)
        moved[number] = step
        rise = (loss(scores + moved, labels)[0] - loss(scores - moved, labels)[0]) / (2 * step)
        assert numpy.allclose(rise, loss(scores, labels)[1][..., number], atol=1e-5)


def test_a_threshold_keeps_what_was_asked_of_it():
    scores = numpy.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    labels = numpy.array([1, 1, 0, 1, 0, 1, 0, 0])

    threshold, value = Criterion("precision_at_target_recall", recall=0.75).best(scores, labels)
    assert value == 0.75 and labels[scores >= threshold].sum() == 3
    threshold, value = Criterion("recall_at_target_precision", precision=1.0).best(scores, labels)
    assert value == 0.5 and (scores >= threshold).sum() == 2
    assert Criterion("accuracy").best(scores, labels)[1] == 0.75
    assert Criterion("f_beta").best(scores, labels)[1] == pytest.approx(0.8)


def test_a_zip_that_is_no_model_is_refused(job):
    from ..serving import failing

    (job.base / "model").mkdir(parents=True)
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as packed:
        packed.writestr("x", "y")
    (job.base / "model" / "model_algo-1").write_bytes(body.getvalue())

    code, said = failing(job, "linear-learner")

    assert code == 1 and "There is no model in" in said
