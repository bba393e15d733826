"""DeepAR as a job and as a server; its forecasts beside what last year was."""

import gzip
import json

import numpy
import pytest

pytest.importorskip("gluonts")

from skylab.images.algorithms import catalogue
from skylab.images.deepar.forecasts import held_back, scores
from skylab.images.predicting import Refused, Request
from skylab.services.sagemaker.jobs.families import metrics

from ..serving import serving
from .steps import asked, final_metrics, refused, trained

NAME = "forecasting-deepar"
GIVEN = {
    "context_length": "24",
    "prediction_length": "12",
    "epochs": "2",
    "time_freq": "M",
    "num_cells": "16",
    "mini_batch_size": "16",
    "learning_rate": "0.01",
    "num_eval_samples": "30",
}


def curves(many=6, points=96, noise=0.3):
    drawn, times = numpy.random.default_rng(0), numpy.arange(points)
    for number in range(many):
        target = 20 + number % 8 + 5 * numpy.sin(2 * numpy.pi * times / 12) + noise * drawn.normal(size=points)
        yield {"start": "2010-01-01 00:00:00", "target": [None, "NaN", *target[2:].tolist()], "cat": [number % 2]}


def lines(series):
    return "\n".join(map(json.dumps, series)).encode()


def test_it_trains_with_categories_features_and_gaps_and_forecasts_what_is_asked(job, capsys):
    series = [each | {"dynamic_feat": [numpy.linspace(0, 1, 96).tolist()]} for each in curves()]
    job.channels(train=gzip.compress(lines(series)), test=lines(series))
    folder = job.base / "input" / "data" / "train"
    (folder / "part-0").rename(folder / "part-0.json.gz")
    job.config("hyperparameters", GIVEN)

    log = trained(job, NAME, capsys)

    found = final_metrics(log, metrics(NAME))
    assert {"test:RMSE", "test:mean_wQuantileLoss", "train:final_loss"} < set(found)
    assert "#test_score (algo-1, wQuantileLoss[0.9]): " in log and "Final loss: " in log
    one = series[0] | {"dynamic_feat": [numpy.linspace(0, 1.1, 108).tolist()]}
    wish = {"num_samples": 20, "output_types": ["mean", "quantiles", "samples"], "quantiles": ["0.5", "0.9"]}
    body = json.dumps({"instances": [one], "configuration": wish}).encode()
    answer = asked(job, NAME, body, "application/json")["predictions"][0]
    drawn = numpy.array(answer["samples"])
    assert drawn.shape == (20, 12) and numpy.allclose(drawn.mean(axis=0), answer["mean"], rtol=1e-4)
    assert set(answer["quantiles"]) == {"0.5", "0.9"} and len(answer["quantiles"]["0.9"]) == 12
    model = catalogue.load(NAME, job.base / "model")
    for wrong in (
        {"instances": [series[0]]},  # its features end with the target
        {"instances": [one | {"cat": [7]}]},
        {"instances": [{"target": [1]}]},
        {"instances": [one], "configuration": {"output_types": ["mode"]}},
        {"instances": [one], "configuration": {"num_samples": 10**9}},
        [],
    ):
        with pytest.raises(Refused) as caught:
            model.predict(Request({"content-type": "application/json"}, json.dumps(wrong).encode()))
        assert caught.value.status == 400


@pytest.mark.parametrize("likelihood", ["gaussian", "negative-binomial", "beta", "deterministic-L1"])
def test_every_likelihood_trains_and_forecasts_within_its_range(job, capsys, likelihood):
    series = [{"start": each["start"], "target": each["target"][2:]} for each in curves(2)]
    for each in series:
        if likelihood == "negative-binomial":
            each["target"] = [round(value) for value in each["target"]]
        if likelihood == "beta":
            each["target"] = [value / 100 for value in each["target"]]
    job.channels(train=lines(series))
    job.config("hyperparameters", GIVEN | {"likelihood": likelihood, "epochs": "1"})

    trained(job, NAME, capsys)

    body = json.dumps({"instances": series, "configuration": {"output_types": ["samples"], "num_samples": 5}}).encode()
    drawn = numpy.array([each["samples"] for each in asked(job, NAME, body, "application/json")["predictions"]])
    assert drawn.shape == (2, 5, 12) and numpy.isfinite(drawn).all()
    if likelihood == "negative-binomial":
        assert (drawn >= 0).all() and (drawn == drawn.round()).all()
    if likelihood == "beta":
        assert ((drawn > 0) & (drawn < 1)).all()
    if likelihood == "deterministic-L1":
        assert (drawn == drawn[:, :1]).all()


@pytest.mark.slow
def test_its_forecasts_are_better_than_last_year_again(job):
    """Sixty noisy seasonal series: the mean forecast against the same month of the year before."""
    series = [{"start": each["start"], "target": each["target"][2:]} for each in curves(60, 122, noise=2.0)]
    cut = [each | {"target": each["target"][:-12]} for each in series]
    job.channels(train=lines(cut), test=lines(series))
    job.config(
        "hyperparameters",
        GIVEN | {"epochs": "20", "num_cells": "30", "mini_batch_size": "64", "num_eval_samples": "100"},
    )

    code, log = job.run(NAME)

    assert code == 0, log
    naive = numpy.sqrt(numpy.mean([(numpy.array(e["target"][-12:]) - e["target"][-24:-12]) ** 2 for e in series]))
    assert final_metrics(log, metrics(NAME))["test:RMSE"] < 0.9 * naive
    with serving(job, NAME, SAGEMAKER_BATCH="true", DEEPAR_INFERENCE_CONFIG='{"output_types": ["mean"]}') as caller:
        status, body, _ = caller.ask(body=lines(cut[:3]), content_type="application/jsonlines")
        assert status == 200 and [list(json.loads(line)) for line in body.splitlines()] == [["mean"]] * 3


def test_scores_are_those_of_the_documentation():
    truth = numpy.array([[1.0, 2.0], [numpy.nan, 4.0]])
    drawn = numpy.array([[[1.0, 1.0]], [[9.0, 6.0]]])

    found = scores(drawn, truth, [0.5, 0.9])

    assert found["RMSE"] == pytest.approx(numpy.sqrt((0 + 1 + 4) / 3))
    assert found["wQuantileLoss[0.5]"] == pytest.approx(2 * (0.5 * 1 + 0.5 * 2) / 7)
    assert found["wQuantileLoss[0.9]"] == pytest.approx(2 * (0.9 * 1 + 0.1 * 2) / 7)
    assert found["mean_wQuantileLoss"] == pytest.approx((3 + 2.2) / 2 / 7)


def test_the_end_of_a_series_is_held_back():
    known, truth = held_back([{"target": numpy.arange(5.0)}, {"target": numpy.arange(2.0)}], 2)

    assert [each["target"].tolist() for each in known] == [[0, 1, 2]] and truth.tolist() == [[3, 4]]


@pytest.mark.parametrize(
    "changed, body, text",
    [
        ({"time_freq": "Y"}, None, "Hyperparameter time_freq: 'Y' is not one of nM, nW, nD, nH, nmin"),
        ({"epochs": None}, None, "No value(s) were specified for 'epochs'"),
        ({"test_quantiles": "[2]"}, None, "Hyperparameter test_quantiles: '[2]' is not a list of numbers between"),
        ({"likelihood": "beta"}, None, "The likelihood beta is for values between 0 and 1"),
        ({"prediction_length": "500"}, None, "No time series of channel 'train' is longer than prediction_length"),
        ({}, b'{"start": "2020", "target": [1]}\n{"target": 1}', "Time series 2 of channel 'train'"),
        ({}, b"nonsense", "part-0 of channel 'train' cannot be read"),
        ({}, b"", "There is no data in channel 'train'"),
    ],
)
def test_what_the_user_can_cure_is_told_so(job, changed, body, text):
    job.channels(train=lines(curves(2)) if body is None else body)
    given = {name: value for name, value in (GIVEN | changed).items() if value is not None}
    job.config("hyperparameters", given)

    assert refused(job, NAME).startswith(f"ClientError: {text}")
