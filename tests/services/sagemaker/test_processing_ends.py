"""Processing jobs that are stopped, fail, are refused or deleted."""

from dataclasses import replace

from services.sagemaker.processed import SKLEARN, WHOLE, brought, described, outputs, request, running, taken
from services.sagemaker.test_training import refused

from skylab.compute.processes import Ending
from skylab.services.sagemaker.jobs import runtimes

SPARK = "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-spark-processing:3.5-cpu"


def test_a_job_can_be_stopped_and_has_two_minutes(sagemaker, s3, processes, steps):
    processes.stubborn = True
    running(sagemaker, steps, **outputs(taken()))
    (processes.ml() / "processing/output/a").write_text("half")
    sagemaker.stop_processing_job(ProcessingJobName="job")
    assert described(sagemaker)["ProcessingJobStatus"] == "Stopping"
    steps()
    assert processes.signals == [("algo-1", "TERM")]
    steps(1, seconds=121)
    assert processes.signals[-1] == ("algo-1", "KILL")
    steps(WHOLE)
    assert described(sagemaker)["ProcessingJobStatus"] == "Stopped"
    code, text = refused(sagemaker.stop_processing_job, ProcessingJobName="job")
    assert (code, text) == (
        "ValidationException",
        "The request was rejected because the processing job is in status Stopped.",
    )


def test_a_job_that_takes_too_long_is_stopped(sagemaker, processes, steps):
    running(sagemaker, steps, StoppingCondition={"MaxRuntimeInSeconds": 60})
    steps(1, seconds=50)
    assert processes.signals == []
    steps(1, seconds=15)
    assert processes.signals == [("algo-1", "TERM")]
    steps(WHOLE)
    assert described(sagemaker)["ProcessingJobStatus"] == "Stopped"


def test_one_instance_that_fails_ends_the_others_and_a_lost_one_is_our_fault(sagemaker, processes, steps):
    running(sagemaker, steps, count=2)
    processes.end(1, processes.one("algo-2"))
    steps(WHOLE)
    assert processes.signals == [("algo-1", "KILL")]
    assert described(sagemaker)["FailureReason"].endswith("exit code: 1")
    running(sagemaker, steps, name="lost")
    processes.endings[processes.one()] = Ending(None)
    steps(WHOLE)
    assert described(sagemaker, "lost")["FailureReason"].startswith("InternalServerError: ")


def test_an_input_that_is_not_there_fails_the_job(sagemaker, processes, steps):
    running(sagemaker, steps, ProcessingInputs=[brought(uri="s3://sagemaker-data/none/")])
    steps(2)
    doc = described(sagemaker)
    assert doc["ProcessingJobStatus"] == "Failed" and "No S3 objects found under S3 URL" in doc["FailureReason"]
    assert processes.launched == {}


def test_jobs_are_listed_tagged_and_deleted(sagemaker, processes, steps):
    running(sagemaker, steps, Tags=[{"Key": "team", "Value": "a"}])
    arn = described(sagemaker)["ProcessingJobArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    (line,) = sagemaker.list_processing_jobs(StatusEquals="InProgress")["ProcessingJobSummaries"]
    assert line["ProcessingJobName"] == "job" and line["ProcessingJobStatus"] == "InProgress"
    assert refused(sagemaker.delete_processing_job, ProcessingJobName="job")[0] == "ResourceInUse"
    assert refused(sagemaker.create_processing_job, **request())[0] == "ResourceInUse"
    processes.end(0)
    steps(WHOLE)
    sagemaker.delete_processing_job(ProcessingJobName="job")
    assert refused(sagemaker.describe_processing_job, ProcessingJobName="job") == (
        "ValidationException",
        "Could not find requested job with name: job",
    )


ATHENA = {"Catalog": "c", "Database": "d", "QueryString": "q", "OutputS3Uri": "s3://b/", "OutputFormat": "PARQUET"}
PREFERENCES = {"VolumeSizeInGB": 1, "InstancePreferences": [{"InstanceType": "ml.m5.large", "InstanceCount": 1}]}
REFUSED = [
    ({"ProcessingInputs": [brought(S3InputMode="Pipe")]}, "Pipe is not offered"),
    ({"ProcessingInputs": [brought(S3CompressionType="Gzip")]}, "Gzip can only be used with S3InputMode Pipe"),
    ({"ProcessingInputs": [brought(local="/opt/ml/input/data")]}, "must begin with /opt/ml/processing/"),
    ({"ProcessingInputs": [brought(local="/opt/ml/processing/../x")]}, "must begin with /opt/ml/processing/"),
    ({"ProcessingInputs": [{"InputName": "a"}]}, "S3Input is required"),
    ({"ProcessingInputs": [brought(), brought()]}, "must be unique"),
    (
        {"ProcessingInputs": [{"InputName": "a", "DatasetDefinition": {"AthenaDatasetDefinition": ATHENA}}]},
        "DatasetDefinition is not offered",
    ),
    (outputs({"OutputName": "a"}), "S3Output is required"),
    (outputs(taken(local="/tmp/out")), "must be a folder in /opt/ml"),
    (
        outputs({"OutputName": "a", "FeatureStoreOutput": {"FeatureGroupName": "g"}, "AppManaged": True}),
        "FeatureStoreOutput is not offered",
    ),
    ({"ProcessingResources": {"ClusterConfig": PREFERENCES}}, "InstancePreferences is not offered"),
    ({"AppSpecification": {"ImageUri": SKLEARN}}, "ContainerEntrypoint is required"),
    ({"AppSpecification": {"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/mine:1"}}, "is not known here"),
    (outputs(taken(uri="s3://nowhere-sagemaker/x")), "bucket nowhere-sagemaker does not exist"),
]


def test_what_has_no_effect_here_is_refused_by_name(sagemaker):
    for members, words in REFUSED:
        code, text = refused(sagemaker.create_processing_job, **request(**members))
        assert code == "ValidationException" and words in text, (members, text)


def test_spark_needs_its_extra(sagemaker, monkeypatch):
    spark = next(family for family in runtimes.FAMILIES if family.name == "spark")
    monkeypatch.setattr(runtimes, "FAMILIES", [replace(spark, packages=("no-such-package",))])
    code, text = refused(sagemaker.create_processing_job, **request(application={"ImageUri": SPARK}))
    assert code == "ValidationException" and "skylab image pull sagemaker-spark-processing" in text
