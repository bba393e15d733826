"""Tables of hyperparameters: defaults, auto, the forms in which SDKs write values, and what is refused."""

import pytest

from skylab.images.algorithms import catalogue, training
from skylab.images.algorithms.hyperparameters import flag, integer, number, validated
from skylab.images.failures import ClientError

TABLE = {"k": integer(required=True), "rate": number("auto", 0, 1, "(]", may_be_auto=True), "deep": flag("false")}


def test_what_is_not_given_has_its_default_and_auto_is_none():
    assert validated(TABLE, {"k": "3"}) == {"k": 3, "rate": None, "deep": False}
    assert validated(TABLE, {"k": '"3"', "rate": "0.5", "deep": "True"}) == {"k": 3, "rate": 0.5, "deep": True}
    assert validated(TABLE, {"k": "3", "_tuning_objective_metric": "test:msd"})["k"] == 3


@pytest.mark.parametrize(
    "given, text",
    [
        ({}, "No value\\(s\\) were specified for 'k' which are required hyperparameter\\(s\\) \\(caused by Validat"),
        ({"k": "3", "a": "1", "b": "2"}, "Additional hyperparameters are not allowed \\('a', 'b' were unexpected\\)"),
        ({"k": "3.5"}, "Hyperparameter k: '3.5' is not an integer"),
        ({"k": "3", "rate": "0"}, "Hyperparameter rate: 0 is not in range \\(0, 1\\]"),
        ({"k": "3", "rate": "nan"}, "is not in range"),
        ({"k": "3", "deep": "maybe"}, "Hyperparameter deep: 'maybe' is not one of"),
    ],
)
def test_what_is_refused_is_named(given, text):
    with pytest.raises(ClientError, match=text):
        validated(TABLE, given)


@pytest.mark.parametrize("name", catalogue.PACKAGES)
def test_every_default_of_every_algorithm_is_allowed(name):
    if name == "lightgbm":
        pytest.importorskip("lightgbm")
    algorithm: training.Algorithm = catalogue._module(name, "training").ALGORITHM

    for parameter, each in algorithm.table.items():
        assert each.required != (each.default is not None) or each.default is None
        if each.default is not None:
            each(parameter, each.default)
