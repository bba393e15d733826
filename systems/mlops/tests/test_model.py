import json

import numpy as np
import pytest
from evaluate import METRICS, calibration_error, calibration_slope, evaluate, gate, resamples
from inference import input_fn, model_fn, output_fn, predict_fn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from train import fit


def people_and_visits(rows=3000, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 3))
    chance = 1 / (1 + np.exp(-(x[:, 0] + 0.5 * x[:, 1] - 1)))
    return x, (random.random(rows) < chance).astype(int), chance


def test_the_model_as_json_predicts_what_scikit_learn_predicts():
    x, y, _ = people_and_visits()
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)

    own = predict_fn(x, fit(x, y, c=0.5, knots=0))

    assert np.allclose(own, LogisticRegression(C=0.5).fit(scaled, y).predict_proba(scaled)[:, 1], atol=1e-4)


def test_hinges_let_the_model_bend():
    random = np.random.default_rng(1)
    x = random.uniform(-1, 1, size=(4000, 1))
    y = (np.abs(x[:, 0]) > 0.5).astype(int)

    straight, bent = (predict_fn(x, fit(x, y, c=10, knots=knots)) for knots in (0, 4))

    assert np.mean((straight > 0.5) == y) < 0.7
    assert np.mean((bent > 0.5) == y) > 0.9


def test_a_true_probability_is_calibrated_and_an_exaggerated_one_is_not():
    _, y, chance = people_and_visits(20_000)
    exaggerated = 1 / (1 + np.exp(-3 * np.log(chance / (1 - chance))))

    assert calibration_slope(y, chance) == pytest.approx(1, abs=0.06)
    assert calibration_slope(y, exaggerated) == pytest.approx(1 / 3, abs=0.03)
    assert calibration_error(y, chance) < 0.015 < 0.1 < calibration_error(y, exaggerated)


def test_a_resample_takes_all_rows_of_a_person_or_none():
    people = np.array([4, 4, 9, 9, 9, 2])
    for rows in resamples(people, draws=20, seed=0):
        times = np.bincount(rows, minlength=6)
        assert times[0] == times[1] and times[2] == times[3] == times[4]
        assert times[0] + times[2] + times[5] == 3


def test_metrics_are_those_of_scikit_learn_also_with_ties():
    random = np.random.default_rng(4)
    y = (random.random(500) < 0.2).astype(int)
    p = np.clip(np.round(random.random(500) * 0.5 + y * 0.1, 2), 0.01, 0.99)
    logit = np.log(p / (1 - p))[:, None]

    assert METRICS["auc"](y, p) == pytest.approx(roc_auc_score(y, p))
    assert METRICS["average precision"](y, p) == pytest.approx(average_precision_score(y, p))
    assert METRICS["brier"](y, p) == pytest.approx(brier_score_loss(y, p))
    slope = LogisticRegression(C=1e9, tol=1e-8).fit(logit, y).coef_[0, 0]
    assert METRICS["calibration slope"](y, p) == pytest.approx(slope, abs=1e-3)


def judged(**predicted):
    x, y, chance = people_and_visits()
    weak, noise = 1 / (1 + np.exp(-x[:, 2])), np.random.default_rng(2).normal(scale=1e-4, size=len(y))
    models = {"good": chance, "equal": np.clip(chance + noise, 0.001, 0.999), "weak": weak}
    return evaluate(y, np.arange(len(y)), {name: models[model] for name, model in predicted.items()}, draws=50)


def test_a_better_model_is_named_and_an_equal_one_is_within_noise():
    clear = judged(simple="weak", other="good")["differences"]["other"]
    equal = judged(simple="good", other="equal")["differences"]["other"]

    assert clear["verdict"] == "other is better, beyond noise"
    assert equal["verdict"] == "the difference is within noise"


def test_a_candidate_passes_that_is_not_worse_than_the_floor_and_the_approved_version():
    assert gate(judged(logistic="good", xgboost="equal"), "xgboost")["verdict"] == "pass"
    assert gate(judged(logistic="equal", xgboost="good", approved="equal"), "logistic")["verdict"] == "pass"


def test_a_worse_candidate_does_not_pass_and_the_reason_says_than_what():
    below_floor = gate(judged(logistic="good", xgboost="weak"), "xgboost")
    below_approved = gate(judged(logistic="weak", xgboost="weak", approved="good"), "logistic")

    assert below_floor["verdict"] == "fail" and "worse than the floor by 0." in below_floor["reason"]
    assert below_approved["verdict"] == "fail" and "worse than the approved version by 0." in below_approved["reason"]
    assert "the floor" not in below_approved["reason"]


def test_serving_reads_csv_and_refuses_the_rest(tmp_path):
    x, y, _ = people_and_visits()
    model = fit(x, y)
    (tmp_path / "model.json").write_text(json.dumps(model))
    loaded = model_fn(str(tmp_path))

    body, kind = output_fn(predict_fn(input_fn("1,2,3\n4,5,6", "text/csv; charset=utf-8"), loaded), "text/csv")

    assert kind == "text/csv" and [0 < float(score) < 1 for score in body.split("\n")] == [True, True]
    with pytest.raises(ValueError, match="text/csv"):
        input_fn("{}", "application/json")
    with pytest.raises(ValueError, match="2 values"):
        predict_fn(input_fn(b"1,2", "text/csv"), loaded)
