"""Each rule, on a series of tensors on which it fires and on one on which it does not."""

import inspect

import numpy as np
import pytest

from skylab.images.rules import catalog
from skylab.images.rules.series import Step

COLLECTIONS = {
    "gradients": lambda name: name.startswith("gradient"),
    "weights": lambda name: name.endswith("weight") and not name.startswith("gradient"),
    "losses": lambda name: "loss" in name,
    "relu_output": lambda name: name == "act_output_0",
    "labels": lambda name: name == "labels",
    "predictions": lambda name: name == "predictions",
}
RANDOM = np.random.default_rng(0)


def steps(*values, mode="TRAIN"):
    """values: of each step, {name: value}, or (mode, {name: value})."""
    for number, given in enumerate(values):
        of, named = given if isinstance(given, tuple) else (mode, given)
        yield Step(number, of, {name: np.asarray(value) for name, value in named.items()}, COLLECTIONS)


def series(name, *values, **more):
    return [{name: value, **more} for value in values]


def losses(*values):
    return series("loss_output_0", *values)


LABELS = np.array([0] * 300 + [1] * 300)
RARE = np.array([0] * 580 + [1] * 20)
WRONG = np.where(LABELS == 1, 0, 0)
SPREAD = RANDOM.normal(size=100)

CASES = [  # rule, parameters, a series on which it fires and at which step, one on which it does not
    (
        "VanishingGradient",
        {},
        (series("gradient/w", [1.0, -1.0], [1e-9, -1e-9]), 1),
        series("gradient/w", [1.0, -1.0], [1e-6]),
    ),
    (
        "VanishingGradient",
        {"threshold": "0.1"},
        (series("smdebug/reductions/abs_mean/gradient/w", 1.0, 0.05), 1),
        series("smdebug/reductions/abs_mean/gradient/w", 1.0),
    ),
    ("ExplodingTensor", {}, (series("w", [1.0], [np.inf]), 1), series("w", [1e30])),
    ("ExplodingTensor", {"only_nan": "true"}, (series("w", [np.inf], [np.nan]), 1), series("w", [np.inf])),
    ("AllZero", {"tensor_regex": "w"}, (series("w", [0, 1], [0, 0]), 1), series("w", [0, 1])),
    (
        "AllZero",
        {"collection_names": "gradients", "threshold": "50"},
        (series("gradient/w", [0, 1]), 0),
        series("w", [0]),
    ),
    (
        "UnchangedTensor",
        {"collection_names": "gradients"},
        (series("gradient/w", [2.0], [1.0], [1.0], [1.0]), 3),
        series("gradient/w", [2.0], [1.0], [1.0], [1.1]),
    ),
    (
        "TensorVariance",
        {"tensor_regex": "w", "max_threshold": "2", "min_threshold": "0.1"},
        (series("w", [0.0, 2.0], [0.0, 9.0]), 1),
        series("w", [0.0, 2.0]),
    ),
    ("TensorVariance", {"tensor_regex": "w", "min_threshold": "0.1"}, (series("w", [1, 1]), 0), series("w", [0, 9])),
    ("LossNotDecreasing", {"num_steps": "2"}, (losses(3, 2, 1, 1, 1), 4), losses(3, 2, 1, 0.9, 0.8)),
    ("LossNotDecreasing", {"num_steps": "2"}, (losses(1, 1, 1.06), 2), losses(1, 1, 1.04)),
    (
        "LossNotDecreasing",
        {"num_steps": "1", "mode": "EVAL"},
        ([("EVAL", {"loss": 1.0}), ("TRAIN", {"loss": 0.5}), ("EVAL", {"loss": 1.0})], 2),
        [("TRAIN", {"loss": 1.0}), ("TRAIN", {"loss": 1.0})],
    ),
    (
        "Overfit",
        {"patience": "2"},
        ([("TRAIN", {"loss": 1.0}), ("EVAL", {"loss": 1.3}), ("TRAIN", {"loss": 0.5}), ("EVAL", {"loss": 1.3})], 3),
        [("TRAIN", {"loss": 1.0}), ("EVAL", {"loss": 1.3}), ("TRAIN", {"loss": 1.2}), ("EVAL", {"loss": 1.3})],
    ),
    (
        "Overfit",
        {},
        ([{"train-logloss": 0.1, "validation-logloss": 0.2}], 0),
        [{"train-logloss": 0.1, "validation-logloss": 0.105}],
    ),
    ("Overtraining", {"patience_train": "2"}, (losses(2, 1, 1, 1, 1), 4), losses(2, 1, 1, 0.5, 0.5)),
    (
        "PoorWeightInitialization",
        {},
        (series("a_relu_input_0", SPREAD, b_relu_input_0=SPREAD * 10), 0),
        series("a_relu_input_0", SPREAD, b_relu_input_0=SPREAD * 2),
    ),
    ("PoorWeightInitialization", {}, (series("gradient/w", SPREAD * 1e-6), 0), series("gradient/w", SPREAD)),
    ("PoorWeightInitialization", {"patience": "2"}, (losses(1, 1, 1), 2), losses(1, 0.9, 0.8)),
    ("PoorWeightInitialization", {"steps": "2", "patience": "2"}, None, losses(1, 1, 1)),
    (
        "DeadRelu",
        {},
        (series("act_output_0", [[1.0, 0, 0], [2.0, 0, 0]]), 0),
        series("act_output_0", [[1.0, 0, 1], [2.0, 0, 0]]),
    ),
    (
        "SaturatedActivation",
        {},
        (series("a_tanh_input_0", [[11.0, -12, 0], [11.0, -10, 0]]), 0),
        series("a_tanh_input_0", [[8.0, -12, 0], [11.0, -10, 0]]),
    ),
    (
        "WeightUpdateRatio",
        {},
        (series("w.weight", [1.0], [1.1], [15.0]), 2),
        series("w.weight", [1.0], [1.1], [1.2]),
    ),
    ("WeightUpdateRatio", {}, (series("w.weight", [1.0], [1.0]), 1), series("w.weight", [1.0])),
    (
        "WeightUpdateRatio",
        {"num_steps": "2", "large_threshold": "1.5"},
        (series("w.weight", [1.0], [2.0], [3.0]), 2),
        series("w.weight", [1.0], [1.5], [2.2]),
    ),
    (
        "ClassImbalance",
        {},
        (series("labels", RARE, predictions=RARE), 0),
        series("labels", LABELS, predictions=LABELS * 0.9),
    ),
    (
        "ClassImbalance",
        {"samples": "1000"},
        (series("labels", LABELS, LABELS, predictions=WRONG), 1),
        series("labels", LABELS, predictions=WRONG),
    ),
    (
        "ClassImbalance",
        {"argmax": "true"},
        (series("labels", LABELS, predictions=np.eye(2)[WRONG]), 0),
        series("labels", LABELS, predictions=np.eye(2)[LABELS]),
    ),
    (
        "Confusion",
        {},
        (series("labels", LABELS, predictions=np.roll(LABELS, 40)), 0),
        series("labels", LABELS, predictions=LABELS),
    ),
    (
        "CheckInputImages",
        {"regex": "image"},
        (series("image", np.ones((300, 3, 2, 2)), np.ones((300, 3, 2, 2))), 1),
        series("image", np.zeros((600, 3, 2, 2))),
    ),
    (
        "NLPSequenceRatio",
        {"tensor_regex": "tokens", "token_values": "0,7", "token_thresholds_percent": "90,20"},
        (series("tokens", [[1, 2, 0, 0]], [[1, 7, 7, 0]]), 1),
        series("tokens", [[1, 2, 0, 0]]),
    ),
    ("TreeDepth", {}, (series("trees/Node", np.arange(7), np.arange(31)), 1), series("trees/Node", np.arange(15))),
    (
        "FeatureImportanceOverweight",
        {"nfeatures": "1"},
        ([{"feature_importance/weight/f0": 0.9, "feature_importance/weight/f1": 0.1}], 0),
        [{"feature_importance/weight/f0": 0.7, "feature_importance/weight/f1": 0.3}],
    ),
]


def first(rule, parameters, values, **more):
    found = catalog.RULES[rule](steps(*values), **catalog.parameters(rule, parameters), **more)
    return next(found, None)


@pytest.mark.parametrize("rule, parameters, fires, quiet", CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)])
def test_a_rule_fires_where_it_should_and_not_where_it_should_not(rule, parameters, fires, quiet):
    if fires:
        values, step = fires
        assert (found := first(rule, parameters, values)) and found.step == step and found.why
    assert first(rule, parameters, quiet) is None


def test_another_run_is_compared_step_by_step():
    told = {"other_trial_0": "s3://b/other", "tensor_regex": "w"}
    given = catalog.parameters("SimilarAcrossRuns", told)
    rule, other = catalog.RULES["SimilarAcrossRuns"], series("w", [1.0], [2.0])
    assert next(rule(steps(*series("w", [1.0], [2.5])), others=[steps(*other)], **given)).step == 1
    assert not list(rule(steps(*series("w", [1.0], [2.0], [3.0])), others=[steps(*other)], **given))


def test_a_training_that_says_nothing_is_stalled():
    rule = catalog.RULES["StalledTrainingRule"]
    waited = [Step(3, "GLOBAL", {}, waited=seconds) for seconds in (0.0, 9.0, 11.0)]
    assert next(rule(waited, threshold=10)).why == "No tensors have come for 11 seconds"
    assert not list(rule(waited[:2], threshold=10))


def test_every_rule_has_both_cases():
    assert {case[0] for case in CASES} | {"SimilarAcrossRuns", "StalledTrainingRule"} == set(catalog.RULES)


@pytest.mark.parametrize(
    "rule, told, words",
    [
        ("VanishingGradient", {"treshold": "1"}, "has no parameter treshold. It has: threshold."),
        ("VanishingGradient", {"threshold": "small"}, "'small' is no value for threshold"),
        ("AllZero", {}, "needs collection_names or tensor_regex"),
        ("SimilarAcrossRuns", {"tensor_regex": "w"}, "needs another trial"),
    ],
)
def test_what_a_rule_does_not_know_is_refused_by_name(rule, told, words):
    with pytest.raises(ValueError, match=words):
        catalog.parameters(rule, told)


def test_the_defaults_are_those_that_aws_documents():
    """https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-rules.html"""
    found = {
        rule: {n: p.default for n, p in inspect.signature(f).parameters.items() if p.default is not p.empty}
        for rule, f in catalog.RULES.items()
    }
    assert found["VanishingGradient"] == {"threshold": 1e-7}
    assert found["WeightUpdateRatio"] == {
        **{"num_steps": None, "large_threshold": 10.0, "small_threshold": 1e-8, "epsilon": 1e-9}
    }
    assert found["Overtraining"] == {"patience_train": 5, "patience_validation": 10, "delta": 0.01}
    assert found["TreeDepth"] == {"depth": 4.0}
    assert found["ClassImbalance"]["samples"] == 500 and found["ClassImbalance"]["threshold_imbalance"] == 10.0
    assert found["UnchangedTensor"]["num_steps"] == 3 and found["StalledTrainingRule"]["threshold"] == 1800
