"""Selective execution: https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-selective-ex.html"""

import pytest
from botocore.exceptions import ClientError
from services.sagemaker.drawn import (
    condition,
    create,
    described,
    fail,
    get,
    listed,
    start,
    status,
    statuses,
    training,
)  # fmt: skip

DONE = 7


def finish(processes, steps, exit_code=0):
    steps(3)
    processes.end(exit_code, processes.one())
    steps(DONE)


def config(*names, source=None):
    chosen = {"SelectedSteps": [{"StepName": name} for name in names]}
    return {"SelectiveExecutionConfig": chosen | ({"SourcePipelineExecutionArn": source} if source else {})}


def uses(name, other, **members):
    return training(name, arguments={"Environment": {"FROM": get(f"Steps.{other}.TrainingJobName")}}, **members)


@pytest.fixture
def source(sagemaker, steps, processes):
    """An execution of A → B → C → a condition with a step in it, which failed at C."""
    create(
        sagemaker, training("A"), uses("B", "A"), uses("C", "B"), condition("D", DependsOn=["C"], then=[uses("E", "A")])
    )
    execution = start(sagemaker)
    finish(processes, steps)
    finish(processes, steps)
    finish(processes, steps, exit_code=1)
    assert status(sagemaker, execution) == "Failed"
    return execution


def test_the_selected_steps_run_on_what_an_earlier_execution_left(sagemaker, steps, processes, source):
    before = listed(sagemaker, source)
    execution = start(sagemaker, **config("C", source=source))
    steps()
    now = listed(sagemaker, execution)
    assert {name: step["StepStatus"] for name, step in now.items()} == {
        "A": "Succeeded", "B": "Succeeded", "C": "Executing"
    }  # fmt: skip
    for name in ("A", "B"):
        assert now[name]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}
        assert now[name]["Metadata"] == before[name]["Metadata"]
    assert "SelectiveExecutionResult" not in now["C"]
    steps(3)
    from_b = before["B"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    assert processes.launched[processes.one()].env["FROM"].lower() == from_b
    processes.end(0)
    steps(DONE)
    assert status(sagemaker, execution) == "Succeeded" and set(statuses(sagemaker, execution)) == {"A", "B", "C"}
    shown = described(sagemaker, execution)["SelectiveExecutionConfig"]
    assert shown == {"SourcePipelineExecutionArn": source, "SelectedSteps": [{"StepName": "C"}]}

    third = start(sagemaker, **config("D", "E", source=execution))  # what was taken over is taken over again
    steps()
    assert statuses(sagemaker, third)["E"] == "Executing"
    assert listed(sagemaker, third)["A"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": source}


def test_steps_that_need_nothing_need_no_source(sagemaker, steps, source):
    execution = start(sagemaker, **config("A"))
    steps()
    assert statuses(sagemaker, execution) == {"A": "Executing"}


def test_what_cannot_be_selected_is_refused(sagemaker, steps, source):
    create(sagemaker, fail(), name="other")
    other = start(sagemaker, "other")
    running = start(sagemaker)
    steps()
    for given, words in [
        (config("Z", source=source), r"no step \[Z\]"),
        (config("A", "C", source=source), r"step \[B\] lies between selected steps"),
        (config("C"), "SourcePipelineExecutionArn is required"),
        (config("D", source=source), r"Step \[C\] has not succeeded in the source execution"),
        (config("C", source=other), "must be an execution of this pipeline"),
        (config("C", source=running), "that has ended"),
        (config("C", source=source + "x"), "does not exist"),
    ]:
        with pytest.raises(ClientError, match=words):
            start(sagemaker, **given)
