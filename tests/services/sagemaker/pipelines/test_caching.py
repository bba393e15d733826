"""Steps that need not run again: https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching.html"""

from datetime import timedelta

import pytest
from services.sagemaker.drawn import (
    create,
    definition,
    fail,
    get,
    listed,
    parameter,
    start,
    status,
    statuses,
    training,
)  # fmt: skip

from skylab.services.sagemaker.pipelines.language import durations

DONE = 7
CACHED = {"Enabled": True, "ExpireAfter": "P30D"}
SAYS = fail("Says", message=get("Steps.Train.TrainingJobName"))


def finish(processes, steps, exit_code=0):
    steps(3)
    processes.end(exit_code, processes.one())
    steps(DONE)


def cached(cache=CACHED, **arguments):
    return training(CacheConfig=cache, arguments=arguments)


def ran(sagemaker, steps, processes, **given):
    """An execution that had to run its job to the end."""
    execution = start(sagemaker, **given)
    steps()
    assert statuses(sagemaker, execution)["Train"] == "Executing"
    finish(processes, steps)
    return execution


def test_a_step_that_ran_with_the_same_attributes_does_not_run_again(sagemaker, steps, processes):
    create(sagemaker, cached(), SAYS)
    first = ran(sagemaker, steps, processes)
    second = start(sagemaker)
    steps()
    one, two = (listed(sagemaker, execution) for execution in (first, second))
    assert two["Train"]["StepStatus"] == "Succeeded" and two["Train"]["Metadata"] == one["Train"]["Metadata"]
    assert two["Train"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert "CacheHitResult" not in one["Train"]
    assert two["Says"]["FailureReason"] == one["Says"]["FailureReason"]
    assert len(sagemaker.list_training_jobs()["TrainingJobSummaries"]) == 1


def test_a_new_version_of_the_pipeline_still_has_the_old_ones_runs(sagemaker, steps, processes):
    create(sagemaker, training())
    first = ran(sagemaker, steps, processes)  # it was not asked to be cached, and is found all the same
    sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=definition(cached(), SAYS))
    second = start(sagemaker)
    steps()
    assert listed(sagemaker, second)["Train"]["CacheHitResult"]["SourcePipelineExecutionArn"] == first


def test_what_counts_is_what_aws_says_counts(sagemaker, steps, processes):
    """https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html"""
    declared = [parameter("eta", DefaultValue="0.1"), parameter("size", "Integer", DefaultValue=5)]
    resources = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": get("Parameters.size")}
    create(
        sagemaker,
        cached(HyperParameters={"eta": get("Parameters.eta")}, ResourceConfig=resources),
        parameters=declared,
    )
    ran(sagemaker, steps, processes)
    same = start(sagemaker, parameters={"size": "9"})
    steps()
    assert "CacheHitResult" in listed(sagemaker, same)["Train"] and status(sagemaker, same) == "Succeeded"
    ran(sagemaker, steps, processes, parameters={"eta": "0.2"})


def test_only_successes_count_and_only_of_this_step_and_this_pipeline(sagemaker, steps, processes):
    create(sagemaker, cached())
    execution = start(sagemaker)
    finish(processes, steps, exit_code=1)
    assert status(sagemaker, execution) == "Failed"
    ran(sagemaker, steps, processes)
    create(sagemaker, cached(), name="other")
    ran(sagemaker, steps, processes, name="other")
    sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=definition({**cached(), "Name": "Renamed"}))
    execution = start(sagemaker)
    steps()
    assert statuses(sagemaker, execution) == {"Renamed": "Executing"}


def test_a_run_that_is_too_old_does_not_count_nor_does_one_where_caching_is_off(sagemaker, steps, processes, clock):
    create(sagemaker, cached({"Enabled": True, "ExpireAfter": "PT1H"}))
    first = ran(sagemaker, steps, processes)
    clock.advance(minutes=59)
    young = start(sagemaker)
    steps()
    assert listed(sagemaker, young)["Train"]["CacheHitResult"]["SourcePipelineExecutionArn"] == first
    clock.advance(minutes=2)
    ran(sagemaker, steps, processes)
    sagemaker.update_pipeline(
        PipelineName="p", PipelineDefinition=definition(cached({"Enabled": False, "ExpireAfter": "PT1H"}))
    )
    ran(sagemaker, steps, processes)


@pytest.mark.parametrize(
    "text, days",
    [
        ("P30D", 30), ("p30d", 30), ("30d", 30), ("5y", 1825), ("P1M", 30), ("T16m", 16 / 1440),
        ("30dT5h", 30 + 5 / 24), ("P4DT12H", 4.5), ("PT1H", 1 / 24), ("P2W", 14),
    ],
)  # fmt: skip
def test_durations_are_read_as_leniently_as_aws_writes_them(text, days):
    assert durations.parse(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "P", "PT", "soon", "1", "P1", "1h", "P" + "9" * 30 + "Y"])
def test_what_is_no_duration_is_none(text):
    with pytest.raises(ValueError):
        durations.parse(text)
