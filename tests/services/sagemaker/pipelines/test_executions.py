"""Executions: parameters, order, ends, stops, second tries; what they and their steps show."""

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
    join,
    listed,
    parameter,
    start,
    status,
    statuses,
    token,
    training,
)  # fmt: skip

DONE = 7  # looks from the end of a job's process to what follows it


def finish(processes, steps, exit_code=0):
    """The oldest job that runs comes to its end."""
    steps(3)
    processes.end(exit_code, processes.one())
    steps(DONE)


def code(caught):
    return caught.value.response["Error"]["Code"]


def no(type="Equals", left=1, right=2):
    return {"Type": type, "LeftValue": left, "RightValue": right}


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


def test_parameters_are_given_as_texts_and_taken_in_their_types(sagemaker, steps):
    declared = [
        parameter("count", "Integer", DefaultValue=2), parameter("rate", "Float"),
        parameter("flag", "Boolean", DefaultValue=False), parameter("mode", EnumValues=["fast", "slow"]),
    ]  # fmt: skip
    message = join(*(get(f"Parameters.{name}") for name in ("count", "rate", "flag", "mode")), on="|")
    create(sagemaker, fail(message=message), parameters=declared)
    execution = start(sagemaker, parameters={"rate": "0.10", "flag": "True", "mode": "fast"})
    steps()
    assert listed(sagemaker, execution)["Fail"]["FailureReason"] == "2|0.1|true|fast"
    shown = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=execution, MaxResults=3)
    more = sagemaker.list_pipeline_parameters_for_execution(
        PipelineExecutionArn=execution, NextToken=shown["NextToken"]
    )
    values = {each["Name"]: each["Value"] for each in shown["PipelineParameters"] + more["PipelineParameters"]}
    assert values == {"count": "2", "rate": "0.1", "flag": "true", "mode": "fast"}

    good = {"rate": "1", "mode": "slow"}
    for wrong, words in [
        ({"mode": "fast"}, r"Missing value for parameter \[rate\]"),
        (good | {"other": "1"}, r"Unknown parameter \[other\]"),
        (good | {"count": "many"}, r"\[many\] is not of type \[Integer\]"),
        (good | {"flag": "yes"}, r"\[yes\] is not of type \[Boolean\]"),
        (good | {"mode": "medium"}, "not one of its enum values"),
    ]:
        with pytest.raises(ClientError, match=words) as caught:
            start(sagemaker, parameters=wrong)
        assert code(caught) == "ValidationException"


def test_execution_variables_have_their_values(sagemaker, steps, processes):
    names = ("PipelineName", "PipelineArn", "PipelineExecutionId", "PipelineExecutionArn", "StartDateTime")
    job_name = {"Environment": {"NAME": get("Execution.TrainingJobName")}}
    create(sagemaker, fail(message=join(*(get(f"Execution.{n}") for n in names), on=" ")), training(arguments=job_name))
    execution = start(sagemaker)
    steps(4)
    id, arn = execution.rpartition("/")[2], execution.partition("/execution")[0]
    words = listed(sagemaker, execution)["Fail"]["FailureReason"]
    assert words == f"p {arn} {id} {execution} 2025-01-01T00:00:00+00:00"
    assert processes.launched[processes.one()].env["NAME"] == job(sagemaker, execution)


def test_a_repeated_start_is_the_same_execution(sagemaker):
    create(sagemaker, fail())
    again = token()
    first = start(sagemaker, ClientRequestToken=again)
    assert start(sagemaker, ClientRequestToken=again) == first and start(sagemaker) != first
    assert len(sagemaker.list_pipeline_executions(PipelineName="p")["PipelineExecutionSummaries"]) == 2


def test_what_a_start_cannot_have_is_refused(sagemaker):
    create(sagemaker, fail())
    for given, words in [({"RoleArn": ROLE}, "RoleArn"), ({"MlflowExperimentName": "e"}, "MlflowExperimentName")]:
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


def test_a_model_step_makes_a_model_of_what_was_trained(sagemaker, steps, processes):
    container = {
        "Image": training()["Arguments"]["AlgorithmSpecification"]["TrainingImage"],
        "ModelDataUrl": get("Steps.Train.ModelArtifacts.S3ModelArtifacts"),
        "Environment": {"N": 3},
    }
    arguments = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    create(
        sagemaker,
        training(),
        {"Name": "Make", "Type": "Model", "Arguments": arguments},
        fail(message=get("Steps.Make.ModelName")),
    )
    execution = start(sagemaker)
    finish(processes, steps)
    step = listed(sagemaker, execution)
    name = step["Fail"]["FailureReason"]
    model = sagemaker.describe_model(ModelName=name)
    assert step["Make"]["Metadata"] == {"Model": {"Arn": model["ModelArn"]}} and name.startswith("pipelines-")
    assert model["PrimaryContainer"]["ModelDataUrl"].endswith(f"{job(sagemaker, execution)}/output/model.tar.gz")
    assert model["PrimaryContainer"]["Environment"] == {"N": "3"}


def test_a_custom_prefix_begins_the_names_of_jobs(sagemaker, steps):
    step = training()
    step["Arguments"]["TrainingJobName"] = "mine"
    create(sagemaker, step)
    execution = start(sagemaker)
    steps()
    assert job(sagemaker, execution).startswith(f"mine-{execution.rpartition('/')[2]}-")


def test_json_is_read_from_s3_as_the_pipelines_role(sagemaker, s3, steps):
    s3.put_object(Bucket="sagemaker-data", Key="e/metrics.json", Body=b'{"a": {"b c": [1, {"auc": 0.75}]}}')
    at = {"S3Uri": join("s3://sagemaker-data", get("Parameters.folder"), "metrics.json", on="/")}
    value = {"Std:JsonGet": at | {"Path": "a['b c'][1].auc"}}
    declared = [parameter("folder")]
    create(
        sagemaker,
        condition("C", no("GreaterThan", value, 0.7), then=[fail(message=join("auc=", value))]),
        parameters=declared,
    )
    execution = start(sagemaker, parameters={"folder": "e"})
    steps()
    assert listed(sagemaker, execution)["Fail"]["FailureReason"] == "auc=0.75"
    lost = start(sagemaker, parameters={"folder": "z"})
    steps()
    assert "Unable to read s3://sagemaker-data/z/metrics.json" in listed(sagemaker, lost)["C"]["FailureReason"]
    s3.put_object(Bucket="sagemaker-data", Key="e/metrics.json", Body=b"{}")
    other = start(sagemaker, parameters={"folder": "e"})
    steps()
    assert "is not in s3://sagemaker-data/e/metrics.json" in listed(sagemaker, other)["C"]["FailureReason"]
    assert status(sagemaker, other) == "Failed"


def test_an_experiment_is_named_by_the_execution(sagemaker):
    config = {"ExperimentName": get("Execution.PipelineName"), "TrialName": get("Execution.PipelineExecutionId")}
    sagemaker.create_pipeline(
        PipelineName="p", PipelineDefinition=definition(fail(), PipelineExperimentConfig=config), RoleArn=ROLE
    )
    execution = start(sagemaker)
    shown = described(sagemaker, execution)["PipelineExperimentConfig"]
    assert shown == {"ExperimentName": "p", "TrialName": execution.rpartition("/")[2]}
