"""Debugger's part of a training job: what is saved of it, what its rules say, and what is refused."""

import json
import os

import pytest
from conftest import connect
from services.sagemaker.acted import keys, request
from services.sagemaker.debugged import OUT, RULES, debugged, described, hook, of, rule, status
from services.sagemaker.test_training import refused

MET = (
    "RuleEvaluationConditionMet: Evaluation of the rule VanishingGradient at step 3 resulted in the condition being met"
)


def evaluating(sagemaker, steps, **members):
    sagemaker.create_training_job(**debugged(rule(), **members))
    steps(6)
    return described(sagemaker)["DebugRuleEvaluationStatuses"][0]["RuleEvaluationJobArn"].rpartition("/")[2]


def ends(processes, message=None, code=0):
    id = of(processes, "images.rules")
    if message:
        folder = processes.launched[id].root + "/output"
        os.makedirs(folder, exist_ok=True)
        with open(folder + "/message", "w") as file:
            file.write(message)
    processes.end(code, id)


def test_a_rule_is_a_processing_job_that_begins_with_the_training(sagemaker, processes, steps):
    sagemaker.create_training_job(**debugged(rule(threshold="0.1")))
    (told,) = described(sagemaker)["DebugRuleEvaluationStatuses"]
    assert told["RuleConfigurationName"] == "VanishingGradient-1" and told["RuleEvaluationStatus"] == "InProgress"
    steps(6)
    (told,) = described(sagemaker)["DebugRuleEvaluationStatuses"]
    name = told["RuleEvaluationJobArn"].rpartition("/")[2]
    assert name.startswith("job-vanishinggradient-1-") and len(name) <= 63

    (summary,) = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    job = sagemaker.describe_processing_job(ProcessingJobName=summary["ProcessingJobName"])
    assert job["TrainingJobArn"].endswith("training-job/job") and job["AppSpecification"]["ImageUri"] == RULES
    assert job["Environment"]["base_trial"] == f"{OUT}/job/debug-output" and job["Environment"]["threshold"] == "0.1"
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == f"{OUT}/job/rule-output/VanishingGradient-1"
    launch = processes.launched[of(processes, "images.rules")]
    assert launch.argv[-2:] == ["-m", "skylab.images.rules"] and "AWS_CONTAINER_AUTHORIZATION_TOKEN" in launch.env


@pytest.mark.parametrize(
    "message, code, expected",
    [
        (MET, 0, ("IssuesFound", MET)),
        (None, 0, ("NoIssuesFound", "")),
        (None, 1, ("Error", "AlgorithmError: See job logs for more information, exit code: 1")),
    ],
)
def test_what_a_rule_has_found_is_told_by_the_training_job(sagemaker, processes, steps, message, code, expected):
    evaluating(sagemaker, steps)
    assert status(sagemaker) == ("InProgress", "")
    ends(processes, message, code)
    steps(8)
    assert status(sagemaker) == expected
    assert described(sagemaker)["TrainingJobStatus"] == "InProgress", "the training is not the rule's"


def test_a_rule_that_is_stopped_is_stopped_and_one_that_outlives_the_training_too(sagemaker, processes, steps):
    name = evaluating(sagemaker, steps)
    processes.end(0, of(processes, "images.train"))
    steps(10)
    assert described(sagemaker)["TrainingJobStatus"] == "Completed" and status(sagemaker)[0] == "InProgress"
    processes.stubborn = True
    steps(1, seconds=60)
    steps(2)
    assert status(sagemaker)[0] == "Stopping"
    processes.end(-15, of(processes, "images.rules"))
    steps(8)
    assert status(sagemaker)[0] == "Stopped"
    assert sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "Stopped"


def test_a_training_that_never_begins_has_rules_that_never_begin(sagemaker, steps):
    nowhere = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://sagemaker-data/nothing/"}}
    channel = [{"ChannelName": "train", "DataSource": nowhere}]
    sagemaker.create_training_job(**debugged(rule(), InputDataConfig=channel))
    steps(6)
    assert described(sagemaker)["TrainingJobStatus"] == "Failed"
    assert status(sagemaker)[0] == "Stopped" and not sagemaker.list_processing_jobs()["ProcessingJobSummaries"]


def test_a_deleted_training_job_leaves_no_rule_behind_and_its_name_to_another(cloud, sagemaker, processes, steps):
    evaluating(sagemaker, steps)
    processes.end(0, of(processes, "images.train"))
    steps(8)
    sagemaker.delete_training_job(TrainingJobName="job")
    ends(processes)
    steps(8)
    assert len(keys(sagemaker_s3(cloud), "out/job/debug-output")) == 1
    name = evaluating(sagemaker, steps)
    assert not keys(sagemaker_s3(cloud), "out/job/debug-output"), "the word of the job before it is gone"
    sagemaker.stop_processing_job(ProcessingJobName=name)
    sagemaker.stop_training_job(TrainingJobName="job")
    steps(10)
    assert len(sagemaker.list_processing_jobs()["ProcessingJobSummaries"]) == 2
    with cloud.store.reading() as tx:
        assert not [task for task in tx.tasks() if task.kind in ("rule", "processing")]


def test_what_is_saved_goes_to_s3_meanwhile_and_the_end_is_marked(sagemaker, s3, processes, steps):
    board = {"TensorBoardOutputConfig": {"S3OutputPath": OUT}}
    sagemaker.create_training_job(**debugged(**board))
    steps(4)
    (launch,) = processes.launched.values()
    assert launch.env["PYTHONPATH"].split(os.pathsep)[0].endswith("images/debugging/first")
    output = processes.ml() / "output"
    for name in ("tensors/events/1.tfevents", "tensors/index/1.json", "tensors/index/2.json.tmp", "tensorboard/a"):
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(name)
    steps(3)
    told = "out/job/debug-output"
    whole = [f"{told}/events/1.tfevents", f"{told}/index/1.json", "out/job/tensorboard-output/a"]
    assert keys(s3, "out/job") == whole
    processes.end(0)
    steps(6)
    assert keys(s3, told) == [*whole[:2], f"{told}/training_job_end.ts"]


def test_an_index_waits_for_the_events_that_it_is_of(sagemaker, s3, processes, steps):
    sagemaker.create_training_job(**debugged())
    steps(4)
    tensors, told = processes.ml() / "output/tensors", "out/job/debug-output"
    for name in ("events", "index"):
        (tensors / name).mkdir(parents=True)
    (tensors / "index/1.json").write_text('{"meta": {"mode": "TRAIN", "event_file_name": "events/1.tfevents"}}')
    steps(3)
    assert keys(s3, told) == []

    (tensors / "events/1.tfevents").write_text("written before, but seen after")
    steps(3)
    assert keys(s3, told) == [f"{told}/events/1.tfevents", f"{told}/index/1.json"]


def test_a_job_that_asks_for_no_tensors_is_left_alone(sagemaker, s3, processes, steps):
    plain = {"DebugHookConfig": {"S3OutputPath": OUT, "CollectionConfigurations": []}}
    sagemaker.create_training_job(**request(**plain))
    steps(4)
    assert "debugging/first" not in processes.launched[processes.one()].env.get("PYTHONPATH", "")
    told = json.loads((processes.ml() / "input/config/debughookconfig.json").read_text())
    assert told["LocalPath"] == "/opt/ml/output/tensors"
    processes.end(0)
    steps(6)
    assert not keys(s3, "out/job/debug-output") and "DebugRuleEvaluationStatuses" not in described(sagemaker)


def sagemaker_s3(cloud):
    return connect(cloud, "s3")


def collection(name="losses", **parameters):
    return hook(CollectionConfigurations=[{"CollectionName": name, "CollectionParameters": parameters}])


EMAIL = r"[{\"name\": \"email\", \"endpoint\": \"a@b.com\"}]"


@pytest.mark.parametrize(
    "given, words",
    [
        (debugged(rule("Unheard")), "rule_to_invoke Unheard is not offered. Offered: VanishingGradient,"),
        (debugged(rule("CreateXgboostReport")), "rule_to_invoke CreateXgboostReport is not offered"),
        (debugged(rule(image="503895931360.dkr.ecr.us-east-1.amazonaws.com/mine:1")), "rules of your own are not"),
        (debugged(rule(treshold="1")), "VanishingGradient has no parameter treshold"),
        (debugged(rule(action_json=EMAIL)), "the action email needs Amazon SNS, which is not offered yet"),
        (debugged(rule(action_json="{")), "Rule VanishingGradient-1: "),
        (debugged(rule(), rule()), "must be unique: VanishingGradient-1"),
        (request(DebugRuleConfigurations=[rule()]), "DebugHookConfig with an S3OutputPath is required"),
        (debugged() | collection(save_interval="often"), "Collection losses: invalid literal"),
        (debugged() | collection("mine", include_regex="("), "is no pattern"),
        (debugged() | collection() | hook(LocalPath="/tmp/x"), "DebugHookConfig.LocalPath must be a folder in"),
        (debugged() | {"DebugHookConfig": {"S3OutputPath": "s3://sagemaker-nowhere/x"}}, "does not exist"),
        (
            debugged(HyperParameters={"sagemaker_program": "train.py"}),
            "not of xgboost in script mode",
        ),
        (request(ProfilerConfig={"S3OutputPath": OUT, "ProfilingIntervalInMilliseconds": 7}), "must be one of 100"),
        (
            request(ProfilerConfig={"S3OutputPath": OUT, "ProfilingParameters": {"a": "b"}}),
            "ProfilingParameters is not",
        ),
    ],
)
def test_what_is_not_offered_is_refused_by_name(sagemaker, given, words):
    code, message = refused(sagemaker.create_training_job, **given)
    assert code == "ValidationException" and words in message
