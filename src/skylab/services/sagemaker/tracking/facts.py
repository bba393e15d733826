"""What a job's document says that its trial component shows: one function for each kind of job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

Doc = Mapping[str, Any]
LONGEST = 2500  # of a parameter's text, as the shape has it


@dataclass(frozen=True)
class Facts:
    """inputs and outputs: name -> (URI, media type or ""), which the component shows.

    sources and products: (URI, type of artifact), which lineage links it with. They may be more than it shows.
    """

    arn: str
    name: str
    status: str
    message: str
    started: datetime | None
    ended: datetime | None
    parameters: dict[str, Any]
    inputs: dict[str, tuple[str, str]]
    outputs: dict[str, tuple[str, str]]
    sources: list[tuple[str, str]]
    products: list[tuple[str, str]]
    metrics: list[tuple[str, float, datetime]] = field(default_factory=list)


def training(doc: Doc) -> Facts:
    resources, image = doc["ResourceConfig"], doc["AlgorithmSpecification"].get("TrainingImage", "")
    channels = {channel["ChannelName"]: channel for channel in doc.get("InputDataConfig", [])}
    uris = {name: (uri, channels[name].get("ContentType", "")) for name in channels if (uri := _s3(channels[name]))}
    model = doc.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    checkpoints = doc.get("CheckpointConfig", {}).get("S3Uri")
    products = [(model, "Model")] if model else []
    return Facts(
        doc["TrainingJobArn"],
        doc["TrainingJobName"],
        doc["TrainingJobStatus"],
        _message(doc, "TrainingJobStatus"),
        doc.get("TrainingStartTime"),
        doc.get("TrainingEndTime"),
        _parameters(doc.get("HyperParameters", {})) | _instances(resources),
        uris | ({"SageMaker.ImageUri": (image, "")} if image else {}),
        {"SageMaker.ModelArtifact": (model, "")} if model else {},
        [(uri, "DataSet") for uri, _ in uris.values()] + ([(image, "Image")] if image else []),
        products + ([(checkpoints, "Checkpoint")] if checkpoints else []),
        [(m["MetricName"], m["Value"], m["Timestamp"]) for m in doc.get("FinalMetricDataList", [])],
    )


def processing(doc: Doc) -> Facts:
    application, cluster = doc["AppSpecification"], doc["ProcessingResources"]["ClusterConfig"]
    inputs = {
        each["InputName"]: (each["S3Input"]["S3Uri"], "")
        for each in doc.get("ProcessingInputs", [])
        if "S3Input" in each
    }
    outputs = {
        each["OutputName"]: (each["S3Output"]["S3Uri"], "")
        for each in doc.get("ProcessingOutputConfig", {}).get("Outputs", [])
        if "S3Output" in each
    }
    said = {"SageMaker.ContainerEntrypoint": application.get("ContainerEntrypoint")}
    said |= {"SageMaker.ContainerArguments": application.get("ContainerArguments")}
    texts = {name: {"StringValue": " ".join(words)[:LONGEST]} for name, words in said.items() if words}
    return Facts(
        doc["ProcessingJobArn"],
        doc["ProcessingJobName"],
        doc["ProcessingJobStatus"],
        _message(doc, "ProcessingJobStatus"),
        doc.get("ProcessingStartTime"),
        doc.get("ProcessingEndTime"),
        _parameters(doc.get("Environment", {})) | texts | _instances(cluster),
        inputs | {"SageMaker.ImageUri": (application["ImageUri"], "")},
        outputs,
        [(uri, "DataSet") for uri, _ in inputs.values()] + [(application["ImageUri"], "Image")],
        [(uri, "DataSet") for uri, _ in outputs.values()],
    )


def transform(doc: Doc) -> Facts:
    """The model is named by its ARN, which is what lineage knows of it."""
    arn = doc["TransformJobArn"]
    model = f"{arn.partition(':transform-job/')[0]}:model/{doc['ModelName'].lower()}"
    given, made = doc["TransformInput"], doc["TransformOutput"]["S3OutputPath"]
    uri = given["DataSource"]["S3DataSource"]["S3Uri"]
    return Facts(
        arn,
        doc["TransformJobName"],
        doc["TransformJobStatus"],
        _message(doc, "TransformJobStatus"),
        doc.get("TransformStartTime"),
        doc.get("TransformEndTime"),
        _parameters(doc.get("Environment", {})) | _instances(doc["TransformResources"]),
        {
            "SageMaker.TransformInput": (uri, given.get("ContentType", "")),
            "SageMaker.ModelName": (doc["ModelName"], ""),
        },
        {"SageMaker.TransformOutput": (made, doc["TransformOutput"].get("Accept", ""))},
        [(uri, "DataSet"), (model, "Model")],
        [(made, "DataSet")],
    )


KINDS: dict[str, tuple[str, Callable[[Doc], Facts]]] = {
    "training-job": ("SageMakerTrainingJob", training),
    "processing-job": ("SageMakerProcessingJob", processing),
    "transform-job": ("SageMakerTransformJob", transform),
}


def _s3(channel: Doc) -> str | None:
    uri: str | None = channel["DataSource"].get("S3DataSource", {}).get("S3Uri")
    return uri


def _message(doc: Doc, status: str) -> str:
    """As AWS words it."""
    second = doc.get("SecondaryStatus", doc[status])
    return f"Status: {doc[status]}, secondary status: {second}, failure reason: {doc.get('FailureReason', '')}."[:1024]


def _instances(resources: Doc) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("InstanceCount", "VolumeSizeInGB"):
        if name in resources:
            found[f"SageMaker.{name}"] = {"NumberValue": float(resources[name])}
    if "InstanceType" in resources:
        found["SageMaker.InstanceType"] = {"StringValue": resources["InstanceType"]}
    return found


def _parameters(given: Mapping[str, str]) -> dict[str, Any]:
    return {name: _parameter(value) for name, value in given.items()}


def _parameter(text: str) -> dict[str, Any]:
    """What reads as a number is one."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    return {"NumberValue": number} if isfinite(number) else {"StringValue": text[:LONGEST]}
