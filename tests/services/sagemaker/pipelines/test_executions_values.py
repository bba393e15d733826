"""Values of executions: parameters, variables and properties, where steps and their jobs take them from."""

import pytest
from botocore.exceptions import ClientError
from services.sagemaker.acted import ROLE
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
    training,
)  # fmt: skip
from services.sagemaker.pipelines.executed import code, finish, no


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
