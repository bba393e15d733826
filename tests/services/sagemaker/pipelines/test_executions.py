"""Executions: their order, their failures and how many steps run at once; what they and their steps show."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from services.sagemaker.acted import ACCOUNT, ROLE
from services.sagemaker.drawn import (
    condition,
    create,
    definition,
    described,
    fail,
    get,
    job,
    knows,
    listed,
    start,
    status,
    statuses,
    token,
    training,
)  # fmt: skip
from services.sagemaker.pipelines.executed import finish


def test_steps_run_in_the_order_of_what_they_need_and_show_what_they_did(sagemaker, steps, processes):
    second = training(
        "Second",
        DisplayName="The second",
        Description="after the first",
        arguments={"Environment": {"MODEL": get("Steps.First.ModelArtifacts.S3ModelArtifacts")}},
    )
    create(sagemaker, second, training("First"))
    execution = start(sagemaker, PipelineExecutionDisplayName="mine", PipelineExecutionDescription="try")
    steps()
    assert statuses(sagemaker, execution) == {"First": "Executing"}
    name = job(sagemaker, execution, "First")
    id = execution.rpartition("/")[2]
    assert name.startswith(f"pipelines-{id}-First-") and len(name.rpartition("-")[2]) == 10
    tags = sagemaker.list_tags(ResourceArn=sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobArn"])
    assert tags["Tags"] == [{"Key": "sagemaker:pipeline-execution-arn", "Value": execution}]
    finish(processes, steps)
    assert list(listed(sagemaker, execution)) == ["Second", "First"]
    shown = sagemaker.describe_training_job(TrainingJobName=job(sagemaker, execution, "Second"))
    assert shown["Environment"] == {"MODEL": f"s3://sagemaker-data/out/{name}/output/model.tar.gz"}
    finish(processes, steps)
    doc = described(sagemaker, execution)
    assert doc["PipelineExecutionStatus"] == "Succeeded" and "FailureReason" not in doc
    assert (doc["PipelineExecutionDisplayName"], doc["PipelineExecutionDescription"]) == ("mine", "try")
    step = listed(sagemaker, execution)["Second"]
    assert (step["StepDisplayName"], step["StepDescription"]) == ("The second", "after the first")
    assert step["AttemptCount"] == 1 and step["StartTime"] < step["EndTime"] and "FailureReason" not in step
    assert sagemaker.describe_pipeline(PipelineName="p")["LastRunTime"] == doc["CreationTime"]


def test_a_failed_job_fails_its_step_and_its_execution_and_nothing_follows(sagemaker, steps, processes):
    create(sagemaker, training("A"), training("B", ["A"]))
    execution = start(sagemaker)
    finish(processes, steps, exit_code=3)
    step = listed(sagemaker, execution)
    assert list(step) == ["A"] and step["A"]["StepStatus"] == "Failed"
    assert step["A"]["FailureReason"].startswith("ClientError: AlgorithmError:")
    assert "exit code: 3" in step["A"]["FailureReason"]
    doc = described(sagemaker, execution)
    assert doc["PipelineExecutionStatus"] == "Failed"
    assert doc["FailureReason"] == "Step failure: One or multiple steps failed."
    summary = sagemaker.list_pipeline_executions(PipelineName="p")["PipelineExecutionSummaries"][0]
    assert summary["PipelineExecutionFailureReason"] == doc["FailureReason"]


def test_what_runs_beside_a_failure_ends_but_nothing_new_begins(sagemaker, steps, processes):
    create(sagemaker, training("A"), fail("F"), training("B", ["A"]))
    execution = start(sagemaker)
    steps()
    assert statuses(sagemaker, execution) == {"A": "Executing", "F": "Failed"}
    assert status(sagemaker, execution) == "Executing"
    finish(processes, steps)
    assert statuses(sagemaker, execution) == {"A": "Succeeded", "F": "Failed"}
    assert status(sagemaker, execution) == "Failed"


def test_a_refused_call_is_the_reason_of_its_step(sagemaker, steps):
    create(sagemaker, training(arguments={"OutputDataConfig": {"S3OutputPath": "s3://sagemaker-nowhere/"}}))
    execution = start(sagemaker)
    steps()
    assert listed(sagemaker, execution)["Train"]["FailureReason"] == (
        "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: "
        "The specified bucket sagemaker-nowhere does not exist."
    )
    assert listed(sagemaker, execution)["Train"]["Metadata"] == {}


def test_steps_act_as_the_pipelines_role_and_no_more(cloud, sagemaker, steps):
    iam = connect(cloud, "iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName="narrow", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    text = definition(training())
    sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=text, RoleArn=made["Role"]["Arn"])
    execution = start(sagemaker)
    steps()
    reason = listed(sagemaker, execution)["Train"]["FailureReason"]
    id = execution.rpartition("/")[2]
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/narrow/sagemaker-pipeline-{id}-Train"
    assert f"User: {session} is not authorized to perform: sagemaker:CreateTrainingJob" in reason

    may = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName="narrow", PolicyName="own", PolicyDocument=policy)
    execution = start(sagemaker)
    steps()
    assert (
        "not authorized to perform: iam:PassRole on resource" in listed(sagemaker, execution)["Train"]["FailureReason"]
    )


def test_a_repeated_start_is_the_same_execution(sagemaker):
    create(sagemaker, fail())
    again = token()
    first = start(sagemaker, ClientRequestToken=again)
    assert start(sagemaker, ClientRequestToken=again) == first and start(sagemaker) != first
    assert len(sagemaker.list_pipeline_executions(PipelineName="p")["PipelineExecutionSummaries"]) == 2


def test_what_a_start_cannot_have_is_refused(sagemaker):
    create(sagemaker, fail())
    for given, words in [({"RoleArn": ROLE}, "RoleArn"), ({"MlflowExperimentName": "e"}, "MlflowExperimentName")]:
        if not knows(sagemaker, "StartPipelineExecution", words):
            continue  # of a later botocore
        with pytest.raises(ClientError, match=words):
            start(sagemaker, **given)


def test_so_many_steps_run_at_once_as_the_execution_says(sagemaker, steps, processes):
    create(sagemaker, *(training(name) for name in "ABC"), ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    execution = start(sagemaker)
    steps()
    assert len(statuses(sagemaker, execution)) == 1
    own = start(sagemaker, ParallelismConfiguration={"MaxParallelExecutionSteps": 2})
    steps()
    assert len(statuses(sagemaker, own)) == 2
    assert described(sagemaker, own)["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 2}
    sagemaker.update_pipeline_execution(
        PipelineExecutionArn=own, ParallelismConfiguration={"MaxParallelExecutionSteps": 3},
        PipelineExecutionDisplayName="more", PipelineExecutionDescription="d",
    )  # fmt: skip
    steps()
    assert len(statuses(sagemaker, own)) == 3
    assert described(sagemaker, own)["PipelineExecutionDisplayName"] == "more"


def test_executions_are_listed_by_page(sagemaker, clock):
    create(sagemaker, fail())
    made = []
    for _ in range(3):
        made.append(start(sagemaker))
        clock.advance(seconds=1)
    page = sagemaker.list_pipeline_executions(PipelineName="p", MaxResults=2)
    rest = sagemaker.list_pipeline_executions(PipelineName="p", NextToken=page["NextToken"])
    found = page["PipelineExecutionSummaries"] + rest["PipelineExecutionSummaries"]
    assert [each["PipelineExecutionArn"] for each in found] == made[::-1]
    assert found[0]["PipelineExecutionStatus"] == "Executing" and found[0]["StartTime"]


def test_steps_are_listed_by_page_the_newest_first(sagemaker, steps):
    create(sagemaker, *(condition(f"C{n}", DependsOn=[f"C{n - 1}"] if n else []) for n in range(5)))
    execution = start(sagemaker)
    steps()
    page = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution, MaxResults=3)
    rest = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution, NextToken=page["NextToken"])
    found = page["PipelineExecutionSteps"] + rest["PipelineExecutionSteps"]
    assert [each["StepName"] for each in found] == ["C4", "C3", "C2", "C1", "C0"]
    other = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution, SortOrder="Ascending")
    assert [each["StepName"] for each in other["PipelineExecutionSteps"]] == ["C0", "C1", "C2", "C3", "C4"]
