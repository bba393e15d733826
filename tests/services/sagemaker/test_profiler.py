"""The profiler's part of a training job: what is sampled of its instance, and what is refused."""

import os

import pytest
from services.sagemaker.acted import keys, request
from services.sagemaker.debugged import OUT, debugged, described, hook, of, rule
from services.sagemaker.test_training import refused

PROFILED = {"ProfilerConfig": {"S3OutputPath": OUT, "ProfilingIntervalInMilliseconds": 1000}}


def interval(processes):
    with open(processes.launched[of(processes, "images.train")].sampled + "/interval") as file:
        return file.read()


def test_samples_of_the_instance_go_to_s3_and_the_profiler_can_be_switched(sagemaker, s3, processes, steps):
    report = {"ProfilerRuleConfigurations": [rule("ProfilerReport", StepOutlier_stddev="5")]}
    sagemaker.create_training_job(**request(**PROFILED, **report))
    assert described(sagemaker)["ProfilingStatus"] == "Enabled"
    steps(4)
    assert interval(processes) == "1000"
    (told,) = described(sagemaker)["ProfilerRuleEvaluationStatuses"]
    job = sagemaker.describe_processing_job(ProcessingJobName=told["RuleEvaluationJobArn"].rpartition("/")[2])
    assert job["Environment"]["base_trial"] == f"{OUT}/job/profiler-output"
    samples = f"{processes.launched[of(processes, 'images.train')].sampled}/system/incremental/2026010100"
    os.makedirs(samples)
    with open(f"{samples}/1.algo-1.json", "w") as file:
        file.write("{}")
    steps(3)
    assert keys(s3, "out/job") == ["out/job/profiler-output/system/incremental/2026010100/1.algo-1.json"]

    sagemaker.update_training_job(TrainingJobName="job", ProfilerConfig={"DisableProfiler": True})
    assert described(sagemaker)["ProfilingStatus"] == "Disabled"
    steps(3)
    assert interval(processes) == "0"
    sagemaker.update_training_job(TrainingJobName="job", ProfilerConfig={"ProfilingIntervalInMilliseconds": 100})
    sagemaker.update_training_job(TrainingJobName="job", ProfilerConfig={"DisableProfiler": False})
    steps(3)
    assert interval(processes) == "100"


def test_a_job_without_a_profiler_is_not_sampled_until_it_is_asked_for(sagemaker, processes, steps):
    sagemaker.create_training_job(**request())
    steps(4)
    assert interval(processes) == "0" and "ProfilingStatus" not in described(sagemaker)
    sagemaker.update_training_job(TrainingJobName="job", **PROFILED)
    steps(3)
    assert interval(processes) == "1000"


@pytest.mark.parametrize(
    "given, words",
    [
        (rule("Dataloader"), "rule_to_invoke Dataloader is not offered. Offered: ProfilerReport,"),
        (rule("ProfilerReport", CPUBottleneck_treshold="1"), "CPUBottleneck has no parameter treshold"),
    ],
)
def test_profiler_rules_that_have_no_data_are_refused_by_name(sagemaker, given, words):
    told = request(**PROFILED, ProfilerRuleConfigurations=[given])
    assert words in refused(sagemaker.create_training_job, **told)[1]
    off = {"ProfilerConfig": {"DisableProfiler": True}, "ProfilerRuleConfigurations": [rule("ProfilerReport")]}
    assert "ProfilerConfig with an S3OutputPath" in refused(sagemaker.create_training_job, **request(**off))[1]


@pytest.mark.parametrize(
    "config, status",
    [(PROFILED, "Completed"), ({}, "Failed")],
    ids=["a profile that SDKs ask for", "tensors"],
)
def test_what_cannot_be_brought_to_s3_fails_the_job_unless_it_is_the_profile(
    sagemaker, s3, processes, steps, config, status
):
    s3.create_bucket(Bucket="sagemaker-closed")
    closed = {"S3OutputPath": "s3://sagemaker-closed/out"}
    config = {name: value | closed for name, value in config.items()}
    sagemaker.create_training_job(**(request(**config) if config else debugged() | hook(**closed, **LOSSES)))
    steps(4)
    s3.delete_bucket(Bucket="sagemaker-closed")
    processes.end(0)
    steps(8)
    assert described(sagemaker)["TrainingJobStatus"] == status


LOSSES = {"CollectionConfigurations": [{"CollectionName": "losses"}]}
