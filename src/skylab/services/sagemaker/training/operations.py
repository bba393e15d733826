"""Training jobs: their operations. The work behind them is work.py's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import regex

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import people, records
from skylab.services.sagemaker.common import arn_of, check_role, hold, listed, new_token, tags
from skylab.services.sagemaker.debugger import asked
from skylab.services.sagemaker.debugger import work as rules
from skylab.services.sagemaker.jobs.buckets import check_there
from skylab.services.sagemaker.jobs.custom import puller
from skylab.services.sagemaker.jobs.job import OVER
from skylab.services.sagemaker.jobs.runtimes import resolve
from skylab.services.sagemaker.tracking.jobs import begun, record
from skylab.services.sagemaker.training import transitions
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "training-job"
DAY = 86400
MOST_INSTANCES = 100
Assume = Callable[[str], Any]  # of a service: a client that acts as the job's role. Raises AwsError


def missing(key: Key) -> AwsError:
    return invalid("Requested resource not found.")


def exists(key: Key) -> AwsError:
    return AwsError(
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job with this name "
        f"already exists ({arn_of(key)})",
    )


class TrainingJobs:
    def create_training_job(self, call: Call, request: CreateTrainingJobRequest) -> dict[str, Any]:
        check_role(call, request["RoleArn"])
        key = call.key(TYPE, request["TrainingJobName"])
        doc = checked(key, request, lambda service: call.assume(service, request["RoleArn"]), call.now)
        with call.writing() as tx:
            begin(tx, key, doc, call.ids.new, call.now, people.context(call))
        return {"TrainingJobArn": doc["TrainingJobArn"]}

    async def describe_training_job(self, call: Call, request: DescribeTrainingJobRequest) -> dict[str, Any]:
        key = call.key(TYPE, request["TrainingJobName"])
        return await hold(call, lambda tx: tx.get(key), lambda doc: doc["TrainingJobStatus"] in OVER)

    def list_training_jobs(self, call: Call, request: ListTrainingJobsRequest) -> dict[str, Any]:
        return listed(call, TYPE, request, "TrainingJobSummaries", "TrainingJobName", "TrainingJobStatus", "Ascending")

    def stop_training_job(self, call: Call, request: StopTrainingJobRequest) -> None:
        key = call.key(TYPE, request["TrainingJobName"])
        with call.writing() as tx:
            doc = tx.get(key)
            if (status := doc["TrainingJobStatus"]) != "InProgress":
                raise invalid(f"The request was rejected because the training job is in status {status}.")
            halt(tx, key, doc, call.now)

    def update_training_job(self, call: Call, request: UpdateTrainingJobRequest) -> dict[str, Any]:
        """What AWS lets change of a job in progress: its warm pool's period and its profiler's configuration."""
        records.refuse(request, ("ProfilerRuleConfigurations",))
        records.refuse(request.get("RemoteDebugConfig", {}), ("EnableRemoteDebug",))
        key = call.key(TYPE, request["TrainingJobName"])
        with call.writing() as tx:
            doc = tx.get(key)
            if (status := doc["TrainingJobStatus"]) != "InProgress":
                raise invalid(f"The request was rejected because the training job is in status {status}.")
            if "ResourceConfig" in request:
                doc["ResourceConfig"] |= request["ResourceConfig"]
                doc |= _warm(doc["ResourceConfig"])
            if "ProfilerConfig" in request:
                doc |= asked.profiler(doc, request["ProfilerConfig"])
            tx.put(key, doc | {"LastModifiedTime": call.now}, call.now)
        return {"TrainingJobArn": doc["TrainingJobArn"]}

    def delete_training_job(self, call: Call, request: DeleteTrainingJobRequest) -> None:
        """Its metadata only: what it put into S3 and its logs stay."""
        key = call.key(TYPE, request["TrainingJobName"])
        with call.writing() as tx:
            if (status := tx.get(key)["TrainingJobStatus"]) not in OVER:
                raise AwsError(
                    "ResourceInUse", f"The request was rejected because the training job is in status {status}."
                )
            tx.delete(key)


def _warm(resources: dict[str, Any]) -> dict[str, Any]:
    """A warm pool is said to be in use while its job runs, and is gone with it: starting is quick here without one."""
    return {"WarmPoolStatus": {"Status": "InUse"}} if resources.get("KeepAlivePeriodInSeconds") else {}


def checked(key: Key, request: Any, assume: Assume, now: datetime) -> dict[str, Any]:
    """The document of a job that may begin: whoever submits it, it passes here. Raises AwsError."""
    doc = _document(key, request, assume, now)
    _check(doc)
    check_there(assume("s3"), [*_inputs(doc), doc["OutputDataConfig"]["S3OutputPath"], *asked.uris(doc)])
    return doc


def begin(
    tx: Transaction, key: Key, doc: dict[str, Any], new_id: Callable[[], str], now: datetime, by: Any = None
) -> None:
    """The job, its task, its trial component, and the tasks of its rules. by: who asked for it. Raises Exists."""
    tx.create(key, doc, now)
    begun(tx, key, doc, now, by)
    tx.start("training", key, now, new_id(), role=doc["RoleArn"], token=new_token(new_id))
    rules.start(tx, doc, key, now, new_id)


def halt(tx: Transaction, key: Key, doc: dict[str, Any], now: datetime) -> None:
    """Tells a job in progress to stop."""
    doc = transitions.to(doc, "Stopping", now)
    tx.put(key, doc, now)
    record(tx, key, doc, now)
    tx.stop(key, now)


def _document(key: Key, request: Any, assume: Assume, now: datetime) -> dict[str, Any]:
    """What Describe shows of a job that was just made, with the service's defaults."""
    algorithm = request.get("AlgorithmSpecification", {})
    if "TrainingImage" not in algorithm:
        raise invalid("AlgorithmSpecification.TrainingImage is required: algorithms by name are not supported here.")
    runtime = resolve(algorithm["TrainingImage"], puller(lambda: assume("ecr")))
    if not (runtime.train or algorithm.get("ContainerEntrypoint")):
        raise invalid(f"The image {algorithm['TrainingImage']} has no program to train with.")
    script = {"sagemaker_program", "SAGEMAKER_PROGRAM"} & {*request.get("HyperParameters", {}), *_env(request)}
    metrics = algorithm.get("MetricDefinitions") or ([] if script else runtime.metrics)
    doc = {
        **{member: value for member, value in request.items() if member != "Tags"},
        "TrainingJobArn": arn_of(key),
        "HyperParameters": request.get("HyperParameters", {}),
        "AlgorithmSpecification": {"TrainingInputMode": "File", "EnableSageMakerMetricsTimeSeries": False}
        | algorithm
        | {"MetricDefinitions": metrics},
        "InputDataConfig": [_channel(channel) for channel in request.get("InputDataConfig", [])],
        "OutputDataConfig": {"KmsKeyId": "", "CompressionType": "GZIP"} | request["OutputDataConfig"],
        "ResourceConfig": _resources(request.get("ResourceConfig")),
        "StoppingCondition": {"MaxRuntimeInSeconds": DAY} | request.get("StoppingCondition", {}),
        "CreationTime": now,
        "TrainingJobStatus": "InProgress",
        "_": {"tags": tags(request)},
    } | asked.document(request, now, runtime, bool(script))
    for member in ("NetworkIsolation", "InterContainerTrafficEncryption", "ManagedSpotTraining"):
        doc.setdefault(f"Enable{member}", False)
    doc |= _warm(doc["ResourceConfig"])
    if "CheckpointConfig" in doc:
        doc["CheckpointConfig"] = {"LocalPath": "/opt/ml/checkpoints"} | doc["CheckpointConfig"]
    return transitions.to(doc, "Starting", now)


def _env(request: Any) -> dict[str, str]:
    return request.get("Environment", {})


def _channel(channel: dict[str, Any]) -> dict[str, Any]:
    return {"CompressionType": "None", "RecordWrapperType": "None"} | channel


def _resources(given: dict[str, Any] | None) -> dict[str, Any]:
    if not given:
        raise invalid("ResourceConfig is required: serverless jobs are not supported here.")
    if groups := given.get("InstanceGroups"):
        count = sum(group["InstanceCount"] for group in groups)
        given = given | {"InstanceType": groups[0]["InstanceType"], "InstanceCount": count}
    if "InstanceType" not in given:
        raise invalid("ResourceConfig.InstanceType is required.")
    resources = {"InstanceCount": 1, "VolumeSizeInGB": 30} | given
    if not 1 <= resources["InstanceCount"] <= MOST_INSTANCES:
        raise invalid(f"InstanceCount must be from 1 to {MOST_INSTANCES}.")
    return resources


def _check(doc: dict[str, Any]) -> None:
    if doc.get("ServerlessJobConfig"):
        raise invalid("ServerlessJobConfig is not supported here.")
    for metric in doc["AlgorithmSpecification"]["MetricDefinitions"]:
        try:
            regex.compile(metric["Regex"])
        except regex.error as problem:
            raise invalid(f"Invalid regular expression of metric {metric['Name']}: {problem}") from None
    _check_channels(doc)
    limits = doc["StoppingCondition"]
    if doc["EnableManagedSpotTraining"] and limits.get("MaxWaitTimeInSeconds", 0) < limits["MaxRuntimeInSeconds"]:
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )
    local = doc.get("CheckpointConfig", {}).get("LocalPath", "/opt/ml/checkpoints")
    if not local.startswith("/opt/ml/") or ".." in local.split("/"):
        raise invalid("CheckpointConfig.LocalPath must be a folder in /opt/ml here.")


def _check_channels(doc: dict[str, Any]) -> None:
    names = [channel["ChannelName"] for channel in doc["InputDataConfig"]]
    if len(set(names)) < len(names):
        raise invalid("Channel names must be unique.")
    if {".", ".."} & set(names):
        raise invalid("A channel cannot have this name.")
    for channel in doc["InputDataConfig"]:
        source = channel["DataSource"].get("S3DataSource")
        if source is None or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise invalid(f"Channel {channel['ChannelName']}: only S3Prefix and ManifestFile are supported here.")


def _inputs(doc: dict[str, Any]) -> list[str]:
    return [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in doc["InputDataConfig"]]
