"""Experiments, trials, trial components, and how jobs fill them."""

import pytest
from botocore.exceptions import ClientError
from endpoint_steps import SKLEARN
from services.sagemaker.acted import ACCOUNT, REGION, XGBOOST, channel, request

from skylab.services.sagemaker.tracking import facts

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"


def refused(operation, **members):
    with pytest.raises(ClientError) as caught:
        operation(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def trial(sagemaker):
    sagemaker.create_experiment(ExperimentName="Exp", Description="why")
    sagemaker.create_trial(TrialName="Try", ExperimentName="Exp")
    return "Try"


def names(answer, list, name):
    return [each[name] for each in answer[list]]


def test_experiments_are_made_changed_listed_and_deleted_when_empty(sagemaker, trial):
    assert sagemaker.describe_experiment(ExperimentName="exp")["ExperimentArn"] == f"{ARN}:experiment/exp"
    code, message = refused(sagemaker.create_experiment, ExperimentName="EXP")
    assert code == "ValidationException" and "already exists" in message
    sagemaker.update_experiment(ExperimentName="Exp", DisplayName="shown")
    found = sagemaker.describe_experiment(ExperimentName="Exp")
    assert (found["DisplayName"], found["Description"]) == ("shown", "why") and "IamIdentity" in found["CreatedBy"]
    assert names(sagemaker.list_experiments(), "ExperimentSummaries", "ExperimentName") == ["Exp"]

    assert "must be deleted first" in refused(sagemaker.delete_experiment, ExperimentName="Exp")[1]
    sagemaker.delete_trial(TrialName="Try")
    sagemaker.delete_experiment(ExperimentName="Exp")
    assert refused(sagemaker.describe_experiment, ExperimentName="Exp")[0] == "ResourceNotFound"
    assert refused(sagemaker.create_trial, TrialName="t", ExperimentName="Exp")[0] == "ResourceNotFound"


def test_a_component_joins_and_leaves_trials(sagemaker, trial):
    sagemaker.create_trial_component(TrialComponentName="Part")
    sagemaker.create_trial(TrialName="Other", ExperimentName="Exp")
    for name in ("Try", "Other"):
        sagemaker.associate_trial_component(TrialName=name, TrialComponentName="part")

    listed = sagemaker.list_trials(TrialComponentName="Part")
    assert sorted(names(listed, "TrialSummaries", "TrialName")) == ["Other", "Try"]
    for which in ({"TrialName": "Try"}, {"ExperimentName": "Exp"}):
        listed = sagemaker.list_trial_components(**which)
        assert names(listed, "TrialComponentSummaries", "TrialComponentName") == ["Part"]
    both = {"TrialName": "Try", "ExperimentName": "Exp"}
    assert "Only one of" in refused(sagemaker.list_trial_components, **both)[1]
    assert "must be disassociated" in refused(sagemaker.delete_trial_component, TrialComponentName="Part")[1]
    assert "disassociate all" in refused(sagemaker.delete_trial, TrialName="Try")[1]

    for name in ("Try", "Other"):
        sagemaker.disassociate_trial_component(TrialName=name, TrialComponentName="Part")
    again = {"TrialName": "Try", "TrialComponentName": "Part"}
    assert refused(sagemaker.disassociate_trial_component, **again)[0] == "ResourceNotFound"
    sagemaker.delete_trial_component(TrialComponentName="Part")
    assert refused(sagemaker.describe_trial_component, TrialComponentName="Part")[0] == "ResourceNotFound"


def test_a_component_is_updated_member_by_member(sagemaker):
    sagemaker.create_trial_component(
        TrialComponentName="Part",
        Parameters={"lr": {"NumberValue": 0.1}, "kind": {"StringValue": "a"}},
        InputArtifacts={"data": {"Value": "s3://b/d"}},
    )
    sagemaker.update_trial_component(
        TrialComponentName="Part",
        Parameters={"lr": {"NumberValue": 0.2}},
        ParametersToRemove=["kind"],
        InputArtifactsToRemove=["data"],
        OutputArtifacts={"model": {"Value": "s3://b/m", "MediaType": "x/y"}},
        Status={"PrimaryStatus": "Completed"},
    )

    found = sagemaker.describe_trial_component(TrialComponentName="Part")
    assert found["Parameters"] == {"lr": {"NumberValue": 0.2}} and found["InputArtifacts"] == {}
    assert found["OutputArtifacts"] == {"model": {"Value": "s3://b/m", "MediaType": "x/y"}}
    assert found["Status"] == {"PrimaryStatus": "Completed"} and "LineageGroupArn" in found


def trained(sagemaker, s3, processes, steps, code=0, **members):
    s3.put_object(Bucket="sagemaker-data", Key="train/a", Body=b"1")
    algorithm = {"MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+)"}]}
    wanted = {
        "InputDataConfig": [channel(ContentType="text/csv")],
        "HyperParameters": {"eta": "0.3", "objective": "binary:logistic"},
    }
    arn = sagemaker.create_training_job(**request("Job", algorithm=algorithm, **(wanted | members)))["TrainingJobArn"]
    steps(3)
    processes.say("auc=0.75\n")
    processes.end(code)
    steps(6)
    return arn


def test_a_job_makes_its_component_and_fills_it(sagemaker, s3, processes, steps, trial):
    s3.put_object(Bucket="sagemaker-data", Key="train/a", Body=b"1")
    config = {"ExperimentName": "Exp", "TrialName": "Try", "TrialComponentDisplayName": "training"}
    arn = trained(sagemaker, s3, processes, steps, ExperimentConfig=config)

    found = sagemaker.describe_trial_component(TrialComponentName="Job-aws-training-job")
    job = sagemaker.describe_training_job(TrainingJobName="Job")
    assert found["Source"] == {"SourceArn": arn, "SourceType": "SageMakerTrainingJob"}
    assert found["DisplayName"] == "training" and found["Status"]["PrimaryStatus"] == "Completed"
    assert (found["StartTime"], found["EndTime"]) == (job["TrainingStartTime"], job["TrainingEndTime"])
    assert found["Parameters"] == {
        "eta": {"NumberValue": 0.3},
        "objective": {"StringValue": "binary:logistic"},
        "SageMaker.InstanceCount": {"NumberValue": 1.0},
        "SageMaker.InstanceType": {"StringValue": "ml.m5.large"},
        "SageMaker.VolumeSizeInGB": {"NumberValue": 5.0},
    }
    assert found["InputArtifacts"] == {
        "train": {"MediaType": "text/csv", "Value": "s3://sagemaker-data/train/"},
        "SageMaker.ImageUri": {"Value": XGBOOST},
    }
    model = {"Value": job["ModelArtifacts"]["S3ModelArtifacts"]}
    assert found["OutputArtifacts"] == {"SageMaker.ModelArtifact": model}
    (metric,) = found["Metrics"]
    assert (metric["MetricName"], metric["Last"], metric["Count"]) == ("auc", 0.75, 1)
    listed = sagemaker.list_trial_components(TrialName="Try")
    assert names(listed, "TrialComponentSummaries", "TrialComponentName") == ["Job-aws-training-job"]
    listed = sagemaker.list_trial_components(SourceArn=arn.upper().replace("ARN:AWS:SAGEMAKER", "arn:aws:sagemaker"))
    assert names(listed, "TrialComponentSummaries", "TrialComponentName") == ["Job-aws-training-job"]


def test_a_failed_job_fails_its_component(sagemaker, s3, processes, steps):
    trained(sagemaker, s3, processes, steps, code=1)
    found = sagemaker.describe_trial_component(TrialComponentName="job-aws-training-job")
    assert found["Status"]["PrimaryStatus"] == "Failed" and "AlgorithmError" in found["Status"]["Message"]
    assert "SageMaker.ModelArtifact" not in found.get("OutputArtifacts", {})


def test_a_stopped_job_stops_its_component(sagemaker, s3, processes, steps):
    sagemaker.create_training_job(**request("Job"))
    steps(3)
    sagemaker.stop_training_job(TrainingJobName="Job")

    def status():
        return sagemaker.describe_trial_component(TrialComponentName="job-aws-training-job")["Status"]["PrimaryStatus"]

    assert status() == "Stopping"
    steps(6)
    assert status() == "Stopped"


def test_a_job_of_a_run_fills_the_runs_component_and_leaves_its_status(sagemaker, s3, processes, steps, trial):
    status = {"PrimaryStatus": "InProgress", "Message": "Within a run context"}
    sagemaker.create_trial_component(
        TrialComponentName="exp-run", Parameters={"own": {"NumberValue": 1.0}}, Status=status
    )
    config = {"ExperimentName": "Exp", "TrialName": "Try", "RunName": "exp-run"}
    arn = trained(sagemaker, s3, processes, steps, ExperimentConfig=config)

    found = sagemaker.describe_trial_component(TrialComponentName="exp-run")
    assert found["Source"]["SourceArn"] == arn and found["Status"] == status
    assert found["Parameters"]["own"] == {"NumberValue": 1.0} and found["Parameters"]["eta"] == {"NumberValue": 0.3}
    assert [metric["MetricName"] for metric in found["Metrics"]] == ["auc"]
    listed = sagemaker.list_trial_components(SourceArn=arn)
    assert names(listed, "TrialComponentSummaries", "TrialComponentName") == ["exp-run"]
    assert sagemaker.describe_training_job(TrainingJobName="Job")["ExperimentConfig"] == config


def test_a_job_of_an_experiment_that_is_not_there_is_refused(sagemaker):
    for config in ({"ExperimentName": "none"}, {"TrialName": "none"}, {"RunName": "none"}):
        code, _ = refused(sagemaker.create_training_job, **request("Job", ExperimentConfig=config))
        assert code == "ResourceNotFound"
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_job_that_names_no_trial_gets_one_of_its_own(sagemaker, trial):
    sagemaker.create_training_job(**request("Job", ExperimentConfig={"ExperimentName": "Exp"}))
    listed = sagemaker.list_trials(TrialComponentName="Job-aws-training-job")
    assert names(listed, "TrialSummaries", "TrialName") == ["job-aws-training-job"]
    mixed = {"ExperimentName": "Exp2", "TrialName": "Try"}
    sagemaker.create_experiment(ExperimentName="Exp2")
    assert "belongs to" in refused(sagemaker.create_training_job, **request("Job2", ExperimentConfig=mixed))[1]


def test_lists_come_in_pages(sagemaker, clock):
    for number in range(12):
        clock.advance(seconds=1)
        sagemaker.create_experiment(ExperimentName=f"e{number:02d}")
    first = sagemaker.list_experiments(SortBy="Name", SortOrder="Ascending")
    assert names(first, "ExperimentSummaries", "ExperimentName") == [f"e{number:02d}" for number in range(10)]
    rest = sagemaker.list_experiments(SortBy="Name", SortOrder="Ascending", NextToken=first["NextToken"])
    assert names(rest, "ExperimentSummaries", "ExperimentName") == ["e10", "e11"]
    assert "Invalid NextToken" in refused(sagemaker.list_experiments, NextToken="x")[1]


def test_a_component_that_was_deleted_stays_deleted_and_its_job_ends_all_the_same(sagemaker, processes, steps, trial):
    sagemaker.create_trial_component(TrialComponentName="exp-run")
    sagemaker.create_training_job(**request("Job", ExperimentConfig={"RunName": "exp-run"}))
    steps(3)
    sagemaker.delete_trial_component(TrialComponentName="exp-run")
    processes.end(0)
    steps(6)
    assert sagemaker.describe_training_job(TrainingJobName="Job")["TrainingJobStatus"] == "Completed"
    assert refused(sagemaker.describe_trial_component, TrialComponentName="exp-run")[0] == "ResourceNotFound"


def test_a_job_that_takes_the_name_of_a_deleted_one_fills_the_component_anew(
    sagemaker, s3, processes, steps, clock, trial
):
    trained(sagemaker, s3, processes, steps)
    sagemaker.delete_training_job(TrainingJobName="Job")
    processes.endings.clear()
    trained(sagemaker, s3, processes, steps)
    found = sagemaker.describe_trial_component(TrialComponentName="Job-aws-training-job")
    assert found["Metrics"][0]["Count"] == 2 and len(found["Sources"]) == 1
    assert found["Status"]["PrimaryStatus"] == "Completed"


def test_a_processing_job_makes_its_component_too(sagemaker, s3, trial):
    arn = sagemaker.create_processing_job(
        ProcessingJobName="Prepare",
        RoleArn=request()["RoleArn"],
        AppSpecification={"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", "run.py"]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}},
        ProcessingInputs=[
            {
                "InputName": "raw",
                "S3Input": {
                    "S3Uri": "s3://sagemaker-data/raw",
                    "LocalPath": "/opt/ml/processing/raw",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "clean",
                    "S3Output": {
                        "S3Uri": "s3://sagemaker-data/clean",
                        "LocalPath": "/opt/ml/processing/clean",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        ExperimentConfig={"TrialName": "Try"},
    )["ProcessingJobArn"]

    found = sagemaker.describe_trial_component(TrialComponentName="prepare-aws-processing-job")
    assert found["Source"] == {"SourceArn": arn, "SourceType": "SageMakerProcessingJob"}
    assert found["InputArtifacts"]["raw"] == {"Value": "s3://sagemaker-data/raw"}
    assert found["OutputArtifacts"] == {"clean": {"Value": "s3://sagemaker-data/clean"}}
    assert found["Parameters"]["SageMaker.ContainerEntrypoint"] == {"StringValue": "python3 run.py"}
    produced = sagemaker.list_associations(SourceArn=found["TrialComponentArn"])["AssociationSummaries"]
    assert [(each["SourceType"], each["DestinationType"]) for each in produced] == [("ProcessingJob", "DataSet")]


def test_a_transform_jobs_facts_are_read_from_its_document():
    doc = {
        "TransformJobArn": f"{ARN}:transform-job/score",
        "TransformJobName": "Score",
        "TransformJobStatus": "Completed",
        "ModelName": "M",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "s3://b/in"}}, "ContentType": "text/csv"},
        "TransformOutput": {"S3OutputPath": "s3://b/out"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    }
    found = facts.transform(doc)
    assert found.sources == [("s3://b/in", "DataSet"), (f"{ARN}:model/m", "Model")]
    assert found.products == [("s3://b/out", "DataSet")]
    assert found.message == "Status: Completed, secondary status: Completed, failure reason: ."
