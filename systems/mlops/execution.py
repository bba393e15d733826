"""Executions of the pipeline: started, followed step by step, and what each step has come to."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cloud
from botocore.exceptions import BotoCoreError, ClientError

LOOK = 1.0  # seconds between two looks at the steps
OVER = {"Succeeded", "Failed", "Stopped"}
JOBS = {
    "TrainingJob": ("describe_training_job", "TrainingJobName"),
    "ProcessingJob": ("describe_processing_job", "ProcessingJobName"),
    "TuningJob": ("describe_hyper_parameter_tuning_job", "HyperParameterTuningJobName"),
}


@dataclass
class Step:
    """A step that has ended."""

    name: str
    status: str
    seconds: float
    cached: bool
    metadata: dict[str, Any]
    reason: str = ""
    job: dict[str, Any] = field(default_factory=dict)  # what Describe shows of it


@dataclass
class Execution:
    arn: str
    status: str
    steps: dict[str, Step]

    @property
    def name(self) -> str:
        return self.arn.rsplit("/", 1)[1]

    @property
    def package(self) -> str | None:
        """The version that was registered."""
        found = [
            step.metadata["RegisterModel"]["Arn"] for step in self.steps.values() if "RegisterModel" in step.metadata
        ]
        return found[0] if found else None


def run(acc: cloud.Account, name: str, parameters: dict[str, str], say: Callable[[str], None], end: Any) -> Execution:
    """Start the pipeline and follow it: say(what runs) while it does, end(Step) for each that has ended."""
    sagemaker = acc.client("sagemaker")
    given = [{"Name": key, "Value": value} for key, value in parameters.items()]
    arn = sagemaker.start_pipeline_execution(PipelineName=name, PipelineParameters=given)["PipelineExecutionArn"]
    try:
        return follow(acc, arn, say, end)
    except BaseException:  # jobs that nobody waits for would still cost
        try:
            sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)
        except (BotoCoreError, ClientError) as error:
            print(f"{arn} could not be stopped, and its jobs may still run: {error}", file=sys.stderr)
        raise


def follow(acc: cloud.Account, arn: str, say: Callable[[str], None], end: Any) -> Execution:
    """Wait until an execution is over."""
    sagemaker, ended = acc.client("sagemaker"), {}
    while True:
        status = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        found = list(listed(sagemaker, arn))
        for each in sorted(found, key=lambda each: each.get("EndTime", each["StartTime"])):
            if each["StepStatus"] in OVER and each["StepName"] not in ended:
                ended[each["StepName"]] = step = read(acc, each)
                end(step)
        say(", ".join(each["StepName"] for each in found if each["StepStatus"] not in OVER))
        if status in OVER:
            return Execution(arn, status, ended)
        time.sleep(LOOK)


def listed(sagemaker: Any, arn: str) -> Iterator[dict[str, Any]]:
    for page in sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn):
        yield from page["PipelineExecutionSteps"]


def read(acc: cloud.Account, found: dict[str, Any]) -> Step:
    """A step with what its job has come to."""
    metadata = found.get("Metadata", {})
    step = Step(
        name=found["StepName"],
        status=found["StepStatus"],
        seconds=(found["EndTime"] - found["StartTime"]).total_seconds(),
        cached="CacheHitResult" in found,
        metadata=metadata,
        reason=found.get("FailureReason", ""),
    )
    step.job = read_job(acc, step)
    return step


def read_job(acc: cloud.Account, step: Step) -> dict[str, Any]:
    """What Describe shows of the step's job now; nothing of a step without one."""
    for kind, (describe, member) in JOBS.items():
        if kind in step.metadata:
            name = step.metadata[kind]["Arn"].rsplit("/", 1)[1]
            return dict(getattr(acc.client("sagemaker"), describe)(**{member: name}))
    return {}


def tuned(step: Step) -> dict[str, str]:
    """The hyperparameters that tune has chosen."""
    return dict(step.job["BestTrainingJob"]["TunedHyperParameters"])


def billed(acc: cloud.Account, executions: Iterable[Execution]) -> dict[str, float]:
    """Instance seconds by step of the jobs that ran; what came from the cache ran before, and is not counted again."""
    found: dict[str, float] = {}
    for step in (step for each in executions for step in each.steps.values()):
        if step.job and not step.cached:
            found[step.name] = found.get(step.name, 0.0) + used(acc, step.job)
    return found


def used(acc: cloud.Account, job: dict[str, Any]) -> float:
    """Instance seconds of one job."""
    if "TrainingJobArn" in job:
        return float(job.get("BillableTimeInSeconds", 0))
    if "ProcessingJobArn" in job:
        instances = job["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
        return float((job["ProcessingEndTime"] - job["ProcessingStartTime"]).total_seconds() * instances)
    pages = acc.client("sagemaker").get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    asked = {"HyperParameterTuningJobName": job["HyperParameterTuningJobName"]}
    jobs = [each for page in pages.paginate(**asked) for each in page["TrainingJobSummaries"]]
    return float(sum((each["TrainingEndTime"] - each["TrainingStartTime"]).total_seconds() for each in jobs))


def report(acc: cloud.Account, step: Step) -> dict[str, Any]:
    """What Evaluate wrote."""
    outputs = {each["OutputName"]: each["S3Output"]["S3Uri"] for each in step.job["ProcessingOutputConfig"]["Outputs"]}
    return dict(json.loads(cloud.read(acc, f"{outputs['evaluation']}/evaluation.json")))


def output(step: Step, name: str) -> str:
    """The S3 URI of an output of Prepare."""
    outputs = step.job["ProcessingOutputConfig"]["Outputs"]
    return str(next(each["S3Output"]["S3Uri"] for each in outputs if each["OutputName"] == name))


def upsert(acc: cloud.Account, name: str, definition: str) -> None:
    """Create the pipeline, or change it; and the group its versions go to."""
    sagemaker = acc.client("sagemaker")
    about = {"PipelineName": name, "PipelineDefinition": definition, "RoleArn": acc.pipeline}
    try:
        sagemaker.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        sagemaker.create_pipeline(**about, ClientRequestToken=uuid.uuid4().hex)
    else:
        sagemaker.update_pipeline(**about)
    try:
        sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFound", "ValidationException"):
            raise
        sagemaker.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription=name)
