"""What Create, Describe, List, Stop and the tag operations say."""

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from services.sagemaker.acted import ACCOUNT, REGION, channel, request


def refused(operation, **members):
    with pytest.raises(ClientError) as caught:
        operation(**members)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def described(sagemaker, name="job"):
    return sagemaker.describe_training_job(TrainingJobName=name)


def test_a_new_job_is_starting_and_has_the_defaults_that_sdks_look_up(sagemaker):
    arn = sagemaker.create_training_job(**request("Job", StoppingCondition={}))["TrainingJobArn"]
    assert arn == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/job"
    doc = described(sagemaker, "Job")
    assert (doc["TrainingJobStatus"], doc["SecondaryStatus"]) == ("InProgress", "Starting")
    assert doc["OutputDataConfig"]["KmsKeyId"] == ""
    assert doc["HyperParameters"] == {} and doc["InputDataConfig"] == []
    assert doc["StoppingCondition"]["MaxRuntimeInSeconds"] == 86400
    assert doc["EnableNetworkIsolation"] is doc["EnableManagedSpotTraining"] is False
    assert "validation:auc" in [metric["Name"] for metric in doc["AlgorithmSpecification"]["MetricDefinitions"]]
    assert "ModelArtifacts" not in doc


def test_a_script_has_only_the_metrics_it_names(sagemaker):
    sagemaker.create_training_job(**request(HyperParameters={"sagemaker_program": "train.py"}))
    assert described(sagemaker)["AlgorithmSpecification"]["MetricDefinitions"] == []


@pytest.mark.parametrize(
    "members, words",
    [
        ({"algorithm": {"TrainingImage": "nothing:1"}}, "not known here"),
        ({"InputDataConfig": [channel(uri="s3://nowhere/x")]}, "The specified bucket nowhere does not exist"),
        ({"InputDataConfig": [channel(".."), channel()]}, "cannot have this name"),
        ({"InputDataConfig": [channel(), channel()]}, "unique"),
        ({"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/Nobody"}, "Could not assume role"),
        ({"algorithm": {"MetricDefinitions": [{"Name": "a", "Regex": "("}]}}, "Invalid regular expression"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
        ({"CheckpointConfig": {"S3Uri": "s3://sagemaker-data/c", "LocalPath": "/opt/ml/../../etc"}}, "LocalPath"),
    ],
)
def test_what_cannot_work_is_refused_at_once(sagemaker, members, words):
    code, message = refused(sagemaker.create_training_job, **request(**members))
    assert code == "ValidationException" and words in message
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_names_are_taken_once_and_missing_jobs_are_worded_as_awss(sagemaker):
    sagemaker.create_training_job(**request())
    assert refused(sagemaker.create_training_job, **request())[0] == "ResourceInUse"
    missing = ("ValidationException", "Requested resource not found.")
    assert refused(sagemaker.describe_training_job, TrainingJobName="no") == missing
    assert refused(sagemaker.stop_training_job, TrainingJobName="no") == missing


def test_lists_come_in_pages_that_do_not_move(sagemaker, clock):
    for name in ("c", "a", "b"):
        clock.advance(seconds=1)
        sagemaker.create_training_job(**request(name))
    page = sagemaker.list_training_jobs(MaxResults=2)
    names = [job["TrainingJobName"] for job in page["TrainingJobSummaries"]]
    clock.advance(seconds=1)
    sagemaker.create_training_job(**request("d"))
    rest = sagemaker.list_training_jobs(NextToken=page["NextToken"])
    assert "NextToken" not in rest
    assert names + [job["TrainingJobName"] for job in rest["TrainingJobSummaries"]] == ["c", "a", "b", "d"]
    by_name = sagemaker.list_training_jobs(SortBy="Name", SortOrder="Descending", NameContains="B")
    assert [job["TrainingJobName"] for job in by_name["TrainingJobSummaries"]] == ["b"]
    assert sagemaker.list_training_jobs(StatusEquals="Failed")["TrainingJobSummaries"] == []
    later = sagemaker.list_training_jobs(CreationTimeAfter=clock.now())
    assert later["TrainingJobSummaries"] == []
    assert refused(sagemaker.list_training_jobs, NextToken="x")[0] == "ValidationException"


def test_tags_are_kept_by_arn(sagemaker):
    arn = sagemaker.create_training_job(**request("Job", Tags=[{"Key": "team", "Value": "ml"}]))["TrainingJobArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [
        {"Key": "a", "Value": "1"},
        {"Key": "team", "Value": "ml"},
    ]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team", "none"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
    assert "Tags" not in described(sagemaker, "Job")


def test_a_job_that_waits_is_stopped_without_having_run(sagemaker, processes, steps):
    sagemaker.create_training_job(**request())
    sagemaker.stop_training_job(TrainingJobName="job")
    assert described(sagemaker)["SecondaryStatus"] == "Stopping"
    assert refused(sagemaker.stop_training_job, TrainingJobName="job")[0] == "ValidationException"
    steps(3)
    assert described(sagemaker)["TrainingJobStatus"] == "Stopped"
    assert processes.launched == {}


def test_logs_are_shipped_while_the_program_runs(sagemaker, cloud, processes, steps):
    sagemaker.create_training_job(**request())
    steps(3)
    processes.say("[1]\ttrain-auc:0.5\nhalf a li")
    steps()
    logs = connect(cloud, "logs")

    def said():
        answer = logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="job/algo-1-")
        return [event["message"] for event in answer["events"] if "stands in" not in event["message"]]

    assert said() == ["[1]#011train-auc:0.5"]
    processes.say("ne")
    processes.end(0)
    steps(4)
    assert said() == ["[1]#011train-auc:0.5", "half a line"]
