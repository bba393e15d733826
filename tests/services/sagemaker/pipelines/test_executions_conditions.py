"""Conditions of executions: what they compare, and which branch they choose."""

import pytest
from services.sagemaker.drawn import (
    condition,
    create,
    fail,
    get,
    join,
    listed,
    start,
    status,
    statuses,
)  # fmt: skip
from services.sagemaker.pipelines.executed import no


def test_conditions_choose_their_branch_and_nest(sagemaker, steps):
    inner = condition(
        "Inner", no(), then=[fail("No1")], otherwise=[fail("Yes", join("because ", get("Steps.Outer.Outcome")))]
    )
    create(sagemaker, condition("Outer", then=[inner], otherwise=[fail("No2")]), fail("After", DependsOn=["No2"]))
    execution = start(sagemaker)
    steps()
    step = listed(sagemaker, execution)
    assert {name: each["StepStatus"] for name, each in step.items()} == {
        "Outer": "Succeeded", "Inner": "Succeeded", "Yes": "Failed"
    }  # fmt: skip
    assert step["Outer"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    assert step["Inner"]["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert step["Yes"]["Metadata"] == {"Fail": {"ErrorMessage": "because True"}}
    assert step["Yes"]["FailureReason"] == "because True"


@pytest.mark.parametrize(
    "given, outcome",
    [
        (no("Equals", 1, 1.0), "True"),
        (no("Equals", "a", get("Parameters.s")), "True"),
        (no("Equals", get("Parameters.b"), True), "True"),
        (no("Equals", "1", 1), "True"),
        (no("Equals", "x", 1), "False"),
        (no("GreaterThan", get("Parameters.f"), 0.5), "False"),
        (no("GreaterThanOrEqualTo", get("Parameters.f"), 0.5), "True"),
        (no("LessThan", 1, 2), "True"),
        (no("LessThanOrEqualTo", 3, 2), "False"),
        ({"Type": "In", "QueryValue": get("Parameters.s"), "Values": ["b", "a"]}, "True"),
        ({"Type": "In", "QueryValue": "z", "Values": ["b", get("Parameters.s")]}, "False"),
        ({"Type": "Not", "Condition": no()}, "True"),
        ({"Type": "Or", "Conditions": [no(), no("LessThan")]}, "True"),
        ({"Type": "Or", "Conditions": [no(), no("GreaterThan")]}, "False"),
    ],
)
def test_conditions_compare(given, outcome):
    from skylab.services.sagemaker.pipelines.language import conditions, evaluate

    values = {"s": "a", "b": True, "f": 0.5}
    scope = evaluate.Scope(None, values, {}, lambda step: {}, lambda bucket, key: b"")
    conditions.check(given)
    assert str(conditions.holds(given, scope.value)) == outcome


def test_what_has_no_order_fails_the_condition(sagemaker, steps):
    create(sagemaker, condition("C", no("LessThan", "a", 1)))
    execution = start(sagemaker)
    steps()
    assert "cannot be compared" in listed(sagemaker, execution)["C"]["FailureReason"]


def test_all_conditions_of_a_step_must_hold(sagemaker, steps):
    create(sagemaker, condition("C", no("LessThan"), no("Equals"), then=[fail()]))
    execution = start(sagemaker)
    steps()
    assert statuses(sagemaker, execution) == {"C": "Succeeded"} and status(sagemaker, execution) == "Succeeded"
