"""A rule's evaluation as a processing job of the service's own: what it is asked, and how its end reads."""

import re
import zlib
from datetime import datetime
from typing import Any

from skylab.services.sagemaker.debugger import asked
from skylab.services.sagemaker.processing.document import DAY

INSTANCE, VOLUME = "ml.t3.medium", 30
LONGEST = 63  # characters of a name
DETAILS = 1024  # of StatusDetails
MET = "RuleEvaluationConditionMet"
WORDS = {"InProgress": "InProgress", "Stopping": "Stopping", "Stopped": "Stopped", "Failed": "Error"}


def job_name(doc: dict[str, Any], rule: str) -> str:
    """training-vanishinggradient-1a2b3c4d: the same whenever it is asked for, and as its ARN has it.

    doc: of the training job, whose name may have been another's before."""
    training = doc["TrainingJobName"]
    told = f"{training}/{rule}/{doc['CreationTime'].timestamp()}"
    mark = f"{zlib.crc32(told.encode()):08x}"
    plain = [re.sub("[^a-zA-Z0-9]+", "-", text).strip("-")[:26].strip("-") for text in (training, rule)]
    return "-".join([*filter(None, plain), mark])[:LONGEST].lower()


def location(uri: str, training: str, folder: str) -> str:
    return f"{uri.rstrip('/')}/{training}/{folder}"


def processing_job(doc: dict[str, Any], kind: str, rule: dict[str, Any], arn: str, now: datetime) -> dict[str, Any]:
    """Its document. doc: of the training job. kind: Debug or Profiler."""
    training, name = doc["TrainingJobName"], rule["RuleConfigurationName"]
    config, folder = ("DebugHookConfig", "debug-output") if kind == "Debug" else ("ProfilerConfig", "profiler-output")
    told = {"base_trial": location(doc[config]["S3OutputPath"], training, folder), "training_job_name": training}
    given = rule.get("S3OutputPath") or doc[config]["S3OutputPath"]
    output = {
        "S3Uri": location(given, training, f"rule-output/{name}"),
        "LocalPath": rule.get("LocalPath", asked.RULE_OUTPUT),
        "S3UploadMode": "Continuous",
    }
    cluster = {
        "InstanceCount": 1,
        "InstanceType": rule.get("InstanceType", INSTANCE),
        "VolumeSizeInGB": rule.get("VolumeSizeInGB") or VOLUME,
    }
    return {
        "ProcessingJobName": job_name(doc, name),
        "AppSpecification": {"ImageUri": rule["RuleEvaluatorImage"]},
        "Environment": rule.get("RuleParameters", {}) | told,
        "ProcessingInputs": [],
        "ProcessingResources": {"ClusterConfig": cluster},
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "RuleOutput", "S3Output": output, "AppManaged": False}]},
        "StoppingCondition": {"MaxRuntimeInSeconds": DAY},
        "RoleArn": doc["RoleArn"],
        "ProcessingJobArn": arn,
        "ProcessingJobStatus": "InProgress",
        "TrainingJobArn": doc["TrainingJobArn"],
        "CreationTime": now,
        "LastModifiedTime": now,
        "_": {"tags": {}},
    }


def told(processing: dict[str, Any]) -> tuple[str, str]:
    """RuleEvaluationStatus and StatusDetails."""
    said = processing.get("ExitMessage", "")
    if said.startswith(MET):
        return "IssuesFound", said[:DETAILS]
    word = WORDS.get(processing["ProcessingJobStatus"], "NoIssuesFound")
    return word, processing.get("FailureReason", "")[:DETAILS] if word == "Error" else ""
