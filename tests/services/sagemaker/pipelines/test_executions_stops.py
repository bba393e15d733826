"""Executions that are stopped, tried a second time, or go on after a failure."""

import pytest
from botocore.exceptions import ClientError
from services.sagemaker.drawn import (
    condition,
    create,
    described,
    job,
    listed,
    start,
    status,
    statuses,
    token,
    training,
)  # fmt: skip
from services.sagemaker.pipelines.executed import DONE, code, finish


def test_a_stop_stops_the_jobs_and_waits_for_them(sagemaker, steps, processes):
    processes.stubborn = True
    create(sagemaker, training("A"), training("B", ["A"]))
    execution = start(sagemaker)
    steps(4)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    assert status(sagemaker, execution) == "Stopping"
    steps(3)
    assert statuses(sagemaker, execution) == {"A": "Stopping"} and status(sagemaker, execution) == "Stopping"
    processes.end(-15)
    steps(DONE)
    assert statuses(sagemaker, execution) == {"A": "Stopped"} and status(sagemaker, execution) == "Stopped"
    with pytest.raises(ClientError) as caught:
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    assert code(caught) == "ConflictException"


def test_an_execution_that_is_stopped_before_it_began_makes_nothing(sagemaker, steps):
    create(sagemaker, training())
    execution = start(sagemaker)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    steps()
    assert status(sagemaker, execution) == "Stopped" and statuses(sagemaker, execution) == {}
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_job_that_somebody_stops_stops_its_execution(sagemaker, steps, processes):
    create(sagemaker, training("A"), training("B", ["A"]))
    execution = start(sagemaker)
    steps(4)
    sagemaker.stop_training_job(TrainingJobName=job(sagemaker, execution, "A"))
    steps(DONE)
    assert statuses(sagemaker, execution) == {"A": "Stopped"} and status(sagemaker, execution) == "Stopped"


def test_a_second_try_keeps_what_succeeded(sagemaker, steps, processes):
    create(sagemaker, training("A"), training("B", ["A"]), training("C", ["B"]))
    execution = start(sagemaker)
    finish(processes, steps)
    finish(processes, steps, exit_code=1)
    before = listed(sagemaker, execution)
    assert statuses(sagemaker, execution) == {"A": "Succeeded", "B": "Failed"}
    again = token()
    for _ in range(2):  # a repeat of the request is no third try
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=execution, ClientRequestToken=again)
    assert status(sagemaker, execution) == "Executing"
    with pytest.raises(ClientError) as caught:
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=execution)
    assert code(caught) == "ConflictException"
    steps()
    now = listed(sagemaker, execution)
    assert now["A"] == before["A"] and now["B"]["Metadata"] != before["B"]["Metadata"]
    assert now["B"]["AttemptCount"] == 2
    finish(processes, steps)
    finish(processes, steps)
    assert set(statuses(sagemaker, execution).values()) == {"Succeeded"} and len(statuses(sagemaker, execution)) == 3
    doc = described(sagemaker, execution)
    assert doc["PipelineExecutionStatus"] == "Succeeded" and "FailureReason" not in doc


def test_a_step_may_follow_a_failure(sagemaker, steps, processes):
    """As the SDK's StepDependency writes it."""
    create(
        sagemaker,
        training("A"),
        training("Never", ["A"]),
        condition("Notify", DependsOn=[{"Step": "A", "Trigger": "Failed"}]),
        condition("Clean", DependsOn=[{"Step": "A", "Trigger": "Any"}]),
        condition("Stopped", DependsOn=[{"Step": "A", "Trigger": "Stopped"}]),
    )
    execution = start(sagemaker)
    finish(processes, steps, exit_code=1)
    assert statuses(sagemaker, execution) == {"A": "Failed", "Notify": "Succeeded", "Clean": "Succeeded"}
    assert status(sagemaker, execution) == "CompletedWithFailures"
