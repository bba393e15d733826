"""The jobs that prepare, train and tune, one function per call to SageMaker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cloud import THREADS, Account, follow, image, start

SECONDS = 3600  # the longest a job may take
TRIALS = 6  # of the tuning job
METRICS = [{"Name": "cv:owa", "Regex": "cv-owa:([0-9.]+)"}]


def process(acc: Account, name: str, program: str, inputs: dict[str, str], output: str) -> None:
    """Start a processing job: python3 of a program in the input `code`."""
    local = "/opt/ml/processing"
    given = [
        {
            "InputName": key,
            "S3Input": {
                "S3Uri": uri,
                "LocalPath": f"{local}/input/{key}",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
            },
        }
        for key, uri in inputs.items()
    ]
    made = {"S3Uri": output, "LocalPath": f"{local}/output", "S3UploadMode": "EndOfJob"}
    start(
        acc,
        "ProcessingJob",
        name,
        RoleArn=acc.jobs,
        AppSpecification={"ImageUri": image(acc), "ContainerEntrypoint": ["python3", f"{local}/input/code/{program}"]},
        ProcessingInputs=given,
        ProcessingOutputConfig={"Outputs": [{"OutputName": "output", "S3Output": made}]},
        ProcessingResources={"ClusterConfig": resources(acc)},
        StoppingCondition={"MaxRuntimeInSeconds": SECONDS},
    )


def resources(acc: Account) -> dict[str, Any]:
    return {"InstanceType": acc.instance, "InstanceCount": 1, "VolumeSizeInGB": 10}


def script(program: str, packed: str, chosen: dict[str, Any]) -> dict[str, str]:
    """Hyperparameters of a framework image: the script's own, and where the script lies."""
    whole = chosen | {"sagemaker_program": program, "sagemaker_submit_directory": packed}
    return {key: json.dumps(value) for key, value in whole.items()}


def source(uri: str) -> dict[str, Any]:
    return {"S3Uri": uri, "S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}


def definition(acc: Account, channels: dict[str, str], output: str, built_in: str = "") -> dict[str, Any]:
    """What a training job and a tuning job's jobs have in common, but for the hyperparameters' place."""
    algorithm: dict[str, Any] = {"TrainingImage": image(acc, built_in or "sklearn"), "TrainingInputMode": "File"}
    if not built_in:
        algorithm["MetricDefinitions"] = METRICS
    return {
        "AlgorithmSpecification": algorithm,
        "RoleArn": acc.jobs,
        "InputDataConfig": [
            {"ChannelName": n, "DataSource": {"S3DataSource": source(uri)}} for n, uri in channels.items()
        ],
        "OutputDataConfig": {"S3OutputPath": output},
        "ResourceConfig": resources(acc),
        "StoppingCondition": {"MaxRuntimeInSeconds": SECONDS},
        "Environment": THREADS,
    }


def train(
    acc: Account, name: str, chosen: dict[str, str], channels: dict[str, str], output: str, built_in: str = ""
) -> None:
    """Start a training job."""
    whole = definition(acc, channels, output, built_in)
    start(acc, "TrainingJob", name, HyperParameters=chosen, **whole)


def tune(acc: Account, name: str, fixed: dict[str, str], channels: dict[str, str], output: str) -> None:
    """Start a tuning job of LightGBM: Bayesian, two at a time, stopping early what is behind the median."""
    ranges = {
        "ContinuousParameterRanges": [
            {"Name": "learning_rate", "MinValue": "0.02", "MaxValue": "0.2", "ScalingType": "Logarithmic"},
            {"Name": "lambda_l2", "MinValue": "0.1", "MaxValue": "30", "ScalingType": "Logarithmic"},
        ],
        "IntegerParameterRanges": [
            {"Name": "num_leaves", "MinValue": "4", "MaxValue": "63", "ScalingType": "Logarithmic"},
            {"Name": "min_child_samples", "MinValue": "10", "MaxValue": "200", "ScalingType": "Logarithmic"},
            {"Name": "rounds", "MinValue": "50", "MaxValue": "400", "ScalingType": "Logarithmic"},
        ],
    }
    configuration = {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "cv:owa"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": ranges,
        "TrainingJobEarlyStoppingType": "Auto",
        "RandomSeed": 7,
    }
    whole = definition(acc, channels, output) | {"StaticHyperParameters": fixed}
    tuning = {"HyperParameterTuningJobConfig": configuration, "TrainingJobDefinition": whole}
    start(acc, "HyperParameterTuningJob", name, **tuning)


def tuned(acc: Account, name: str, say: Callable[[str], None]) -> tuple[dict[str, Any], dict[str, int]]:
    """The best job's value and hyperparameters, and how many jobs ended how."""
    found = follow(acc, "HyperParameterTuningJob", name, say)
    best = found["BestTrainingJob"]
    chosen = {key: float(value.strip('"')) for key, value in best["TunedHyperParameters"].items()}
    counts = {key: count for key, count in found["TrainingJobStatusCounters"].items() if count}
    return {"value": best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"], "chosen": chosen}, counts
