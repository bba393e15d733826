"""Pipelines of the other families: a property file of a processing job decides what is registered."""

import json

import pytest
from botocore.exceptions import ClientError
from services.sagemaker.acted import ROLE, XGBOOST
from services.sagemaker.drawn import (
    condition,
    create,
    definition,
    fail,
    get,
    join,
    listed,
    start,
    status,
    statuses,
    training,
)  # fmt: skip
from services.sagemaker.processed import SKLEARN, outputs, taken
from services.sagemaker.transformed import request as transforming

from skylab.services.sagemaker.pipelines.language.kinds import has_operation

DONE = 7


def processing(name="Eval", files=(), arguments=None, **members):
    given = {
        "AppSpecification": {"ImageUri": SKLEARN, "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
        },
        "RoleArn": ROLE,
        **outputs(taken("metrics", uri=join("s3://sagemaker-data", get("Execution.PipelineExecutionId"), on="/"))),
    }
    step = {"Name": name, "Type": "Processing", "Arguments": given | (arguments or {})}
    return step | ({"PropertyFiles": list(files)} if files else {}) | members


def registering(name="Register", group="models", url="s3://sagemaker-data/model.tar.gz", **members):
    container = {"Image": XGBOOST, "ModelDataUrl": url}
    inference = {
        "Containers": [container], "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]
    }  # fmt: skip
    arguments = {"ModelPackageGroupName": group, "InferenceSpecification": inference}
    return {"Name": name, "Type": "RegisterModel", "Arguments": arguments | members}


FILE = {"PropertyFileName": "Report", "OutputName": "metrics", "FilePath": "report.json"}
REPORTED = {"Std:JsonGet": {"PropertyFile": get("Steps.Eval.PropertyFiles.Report"), "Path": "metrics['auc'].value"}}


@pytest.fixture
def judged(sagemaker, steps, processes):
    """An execution whose evaluation reports so much."""
    good = condition(
        "Good",
        {"Type": "GreaterThanOrEqualTo", "LeftValue": REPORTED, "RightValue": 0.7},
        then=[registering()],
        otherwise=[fail(message=join("only ", REPORTED))],
    )
    create(sagemaker, processing(files=[FILE]), good)

    def judged(auc):
        execution = start(sagemaker)
        steps(4)
        (processes.ml() / "processing/output/report.json").write_text(json.dumps({"metrics": {"auc": {"value": auc}}}))
        processes.end(0)
        steps(DONE)
        return execution

    return judged


def test_a_property_file_decides_and_what_is_good_is_registered(sagemaker, s3, judged):
    s3.put_object(Bucket="sagemaker-data", Key="model.tar.gz", Body=b"m")
    execution = judged(0.75)
    step = listed(sagemaker, execution)
    assert status(sagemaker, execution) == "Succeeded", step
    assert list(step) == ["Register", "Good", "Eval"]
    assert list(step["Eval"]["Metadata"]) == ["ProcessingJob"]
    found = sagemaker.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"]
    assert [each["ModelPackageArn"] for each in found] == [step["Register"]["Metadata"]["RegisterModel"]["Arn"]]
    assert step["Register"]["Metadata"]["RegisterModel"]["Arn"].endswith(":model-package/models/1")

    worse = judged(0.6)
    assert statuses(sagemaker, worse) == {"Eval": "Succeeded", "Good": "Succeeded", "Fail": "Failed"}
    assert listed(sagemaker, worse)["Fail"]["FailureReason"] == "only 0.6"
    assert len(sagemaker.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"]) == 1


def test_an_output_is_named_in_a_reference_and_cached_steps_keep_theirs(sagemaker, steps, processes):
    made = processing(CacheConfig={"Enabled": True, "ExpireAfter": "P1D"})
    output = get("Steps.Eval.ProcessingOutputConfig.Outputs['metrics'].S3Output.S3Uri")
    create(sagemaker, made, fail(message=output))
    first = start(sagemaker)
    steps(4)
    processes.end(0)
    steps(DONE)
    second = start(sagemaker)
    steps()
    where = f"s3://sagemaker-data/{first.rpartition('/')[2]}"
    for execution in (first, second):
        assert listed(sagemaker, execution)["Fail"]["FailureReason"] == where
    assert listed(sagemaker, second)["Eval"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}


def test_a_property_that_a_job_does_not_have_fails_the_step_that_wants_it(sagemaker, steps, processes):
    create(sagemaker, processing(), fail(message=get("Steps.Eval.ExitMessage")))
    execution = start(sagemaker)
    steps(4)
    processes.end(0)
    steps(DONE)
    assert "The property [Steps.Eval.ExitMessage] has no value" in listed(sagemaker, execution)["Fail"]["FailureReason"]


def test_a_property_file_is_of_an_output_that_is_there(sagemaker):
    with pytest.raises(ClientError, match=r"Property file \[Report\]: no output is named \[other\]"):
        create(sagemaker, processing(files=[FILE | {"OutputName": "other"}]))


def test_a_registered_package_is_what_others_refer_to(sagemaker, s3, steps):
    s3.put_object(Bucket="sagemaker-data", Key="model.tar.gz", Body=b"m")
    create(
        sagemaker,
        registering(ModelApprovalStatus="Approved"),
        fail(message=join(get("Steps.Register.ModelPackageArn"), get("Steps.Register.ModelApprovalStatus"), on=" ")),
    )
    execution = start(sagemaker)
    steps()
    step = listed(sagemaker, execution)
    arn = step["Register"]["Metadata"]["RegisterModel"]["Arn"]
    assert step["Fail"]["FailureReason"] == f"{arn} Approved"


def test_what_the_registry_sets_itself_is_no_argument(sagemaker):
    for member in ("ModelPackageName", "CertifyForMarketplace", "ClientToken"):
        text = definition(registering(**{member: "x"}))
        with pytest.raises(ClientError, match=f"Unknown Argument member '{member}'"):
            sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=text, RoleArn=ROLE)


def test_a_repacking_step_is_a_training_job_like_any(sagemaker, s3, steps, processes):
    """As the SDK's ModelStep writes it: a script trains, its model is what is registered."""
    s3.put_object(Bucket="sagemaker-data", Key="model.tar.gz", Body=b"m")
    repacked = get("Steps.Model-RepackModel-0.ModelArtifacts.S3ModelArtifacts")
    create(sagemaker, training("Model-RepackModel-0"), registering("Model-RegisterModel", url=repacked))
    execution = start(sagemaker)
    steps(3)
    processes.end(0)
    steps(DONE)
    arn = listed(sagemaker, execution)["Model-RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
    inference = sagemaker.describe_model_package(ModelPackageName=arn)["InferenceSpecification"]
    name = sagemaker.list_training_jobs()["TrainingJobSummaries"][0]["TrainingJobName"]
    assert inference["Containers"][0]["ModelDataUrl"] == f"s3://sagemaker-data/out/{name}/output/model.tar.gz"


@pytest.mark.skipif(not has_operation("CreateExperiment"), reason="experiments are not there yet")
def test_the_jobs_of_an_execution_are_components_of_its_trial(sagemaker, steps):
    config = {"ExperimentName": get("Execution.PipelineName"), "TrialName": get("Execution.PipelineExecutionId")}
    text = definition(training("A"), training("B"), PipelineExperimentConfig=config)
    sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=text, RoleArn=ROLE)
    for _ in range(2):
        trial = start(sagemaker).rpartition("/")[2]
        steps(4)
        assert sagemaker.describe_trial(TrialName=trial)["ExperimentName"] == "p"
        assert len(sagemaker.list_trial_components(TrialName=trial)["TrialComponentSummaries"]) == 2


def test_a_transform_step_takes_the_model_that_was_made(sagemaker, s3, steps, processes):
    s3.put_object(Bucket="sagemaker-data", Key="in/rows.csv", Body=b"1,2\n")
    container = {"Image": SKLEARN}
    make = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    given = transforming() | {"ModelName": get("Steps.Make.ModelName")}
    del given["TransformJobName"]
    create(
        sagemaker,
        {"Name": "Make", "Type": "Model", "Arguments": make},
        {"Name": "Score", "Type": "Transform", "Arguments": given},
        fail(message=get("Steps.Score.TransformOutput.S3OutputPath")),
    )
    execution = start(sagemaker)
    steps()
    assert statuses(sagemaker, execution) == {"Make": "Succeeded", "Score": "Executing"}
    step = listed(sagemaker, execution)["Score"]
    made = sagemaker.list_transform_jobs()["TransformJobSummaries"]
    assert step["Metadata"] == {"TransformJob": {"Arn": made[0]["TransformJobArn"]}}
    model = sagemaker.list_models()["Models"][0]["ModelName"]
    shown = sagemaker.describe_transform_job(TransformJobName=made[0]["TransformJobName"])
    assert shown["ModelName"] == model
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    steps(12)
    assert statuses(sagemaker, execution)["Score"] == "Stopped" and status(sagemaker, execution) == "Stopped"
