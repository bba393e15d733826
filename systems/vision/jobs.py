"""The four kinds of jobs: processing, training, tuning, batch transform; each function starts one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from cloud import TAGS, TYPES, Account, image
from members import MEMBERS

SECONDS = 3600  # the longest a job may take
PARTS = {"train": "prepared/train", "validation": "prepared/validation"}
METRICS = [
    {"Name": "train:loss", "Regex": "train:loss=([0-9.]+)"},
    {"Name": "validation:accuracy", "Regex": "validation:accuracy=([0-9.]+)"},
]


def prepare(acc: Account, name: str, raw: bool, options: list[str]) -> None:
    """Start the processing job that makes the three parts; raw pictures are decoded with Pillow, installed for it."""
    base, command = "/opt/ml/processing", ["python3", "/opt/ml/processing/input/code/steps/prepare.py"]
    command += ["--out", f"{base}/output", *options, *(["--raw", f"{base}/input/raw"] if raw else [])]
    told = " ".join(command)
    inputs = {"code": "code", "raw": "raw"} if raw else {"code": "code"}
    acc.sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=acc.jobs,
        AppSpecification={
            "ImageUri": image(acc, "training"),
            "ContainerEntrypoint": ["bash", "-c", f"pip install -q 'pillow>=11,<14' && {told}" if raw else told],
        },
        ProcessingResources={"ClusterConfig": acc.resources()},
        ProcessingInputs=[
            {"InputName": key, "S3Input": {
                "S3Uri": acc.uri(folder), "LocalPath": f"{base}/input/{key}", "S3DataType": "S3Prefix",
                "S3InputMode": "File"}}
            for key, folder in inputs.items()
        ],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "prepared", "S3Output": {
            "S3Uri": acc.uri("prepared"), "LocalPath": f"{base}/output", "S3UploadMode": "EndOfJob"}}]},
        StoppingCondition={"MaxRuntimeInSeconds": SECONDS},
        Tags=TAGS,
    )  # fmt: skip


def channels(acc: Account, folders: dict[str, str]) -> list[dict[str, Any]]:
    """Input channels by name, of prefixes below the run's."""

    def source(folder: str) -> dict[str, Any]:
        return {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": acc.uri(folder) + "/",
                                 "S3DataDistributionType": "FullyReplicated"}}  # fmt: skip

    return [{"ChannelName": name, "DataSource": source(folder)} for name, folder in folders.items()]


def parameters(program: str, source: str, chosen: dict[str, Any]) -> dict[str, str]:
    """Hyperparameters of script mode, which are JSON each."""
    given = {"sagemaker_program": program, "sagemaker_submit_directory": source} | chosen
    return {name: json.dumps(value) for name, value in given.items()}


def train(
    acc: Account, name: str, source: str, chosen: dict[str, Any], *, program: str = "train.py", to: str = "members",
    inputs: dict[str, str] | None = None, instances: int = 1,
) -> None:  # fmt: skip
    """Start a training job; on several instances torchrun joins them."""
    joined = {"sagemaker_torch_distributed_enabled": True} if instances > 1 else {}
    acc.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=acc.jobs,
        AlgorithmSpecification={
            "TrainingImage": image(acc, "training"), "TrainingInputMode": "File", "MetricDefinitions": METRICS},
        HyperParameters=parameters(program, source, chosen | joined),
        InputDataConfig=channels(acc, PARTS | (inputs or {})),
        OutputDataConfig={"S3OutputPath": acc.uri(to)},
        ResourceConfig=acc.resources(instances),
        StoppingCondition={"MaxRuntimeInSeconds": SECONDS},
        Environment={"OMP_NUM_THREADS": "1"},
        Tags=TAGS,
    )  # fmt: skip


def tune(acc: Account, name: str, source: str, chosen: dict[str, Any], trials: int) -> None:
    """Start a search of the learning rate, two training jobs at a time, by validation accuracy."""
    rate = {"Name": "rate", "MinValue": "0.0005", "MaxValue": "0.01", "ScalingType": "Logarithmic"}
    acc.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Bayesian",
            "RandomSeed": 0,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [rate]},
        },
        TrainingJobDefinition={
            "RoleArn": acc.jobs,
            "StaticHyperParameters": parameters("train.py", source, chosen),
            "AlgorithmSpecification": {
                "TrainingImage": image(acc, "training"), "TrainingInputMode": "File", "MetricDefinitions": METRICS},
            "InputDataConfig": channels(acc, PARTS),
            "OutputDataConfig": {"S3OutputPath": acc.uri("trials")},
            "ResourceConfig": acc.resources(),
            "StoppingCondition": {"MaxRuntimeInSeconds": SECONDS},
            "Environment": {"OMP_NUM_THREADS": "1"},
        },
        Tags=TAGS,
    )  # fmt: skip


def transform(acc: Account, name: str, model: str, instances: int) -> None:
    """Start a batch transform of asked/ into answers/, line by line, several lines a request."""
    acc.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=model,
        BatchStrategy="MultiRecord",
        MaxPayloadInMB=1,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": acc.uri("asked") + "/"}},
            "ContentType": TYPES[0], "SplitType": "Line"},
        TransformOutput={"S3OutputPath": acc.uri("answers"), "Accept": TYPES[0], "AssembleWith": "Line"},
        TransformResources={"InstanceType": acc.instance, "InstanceCount": instances},
        Tags=TAGS,
    )  # fmt: skip


RUNNING = {  # what stops a kind of job, its name there, and a run's jobs of that kind
    "stop_processing_job": ("ProcessingJobName", ("prepare",)),
    "stop_hyper_parameter_tuning_job": ("HyperParameterTuningJobName", ("tune",)),
    "stop_training_job": ("TrainingJobName", (*MEMBERS, "alone", "both", "ensemble")),
    "stop_transform_job": ("TransformJobName", ("transform",)),
}


def stop(acc: Account, name: Callable[[str], str]) -> list[str]:
    """Stop those of a run's jobs that still run; their names."""
    stopped = []
    for verb, (key, jobs) in RUNNING.items():
        for job in jobs:
            try:
                getattr(acc.sagemaker, verb)(**{key: name(job)})
                stopped.append(name(job))
            except ClientError as error:  # it has ended, or was never started
                if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
                    raise
    return stopped
