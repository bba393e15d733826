"""What run.py asks of AWS, one function per call sequence: the account, uploads, jobs, the registry, endpoints."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import parts
import roles
from botocore.exceptions import ClientError
from sagemaker.core import image_uris

PYTORCH, SKLEARN = {"version": "2.6", "py_version": "py312"}, {"version": "1.4-2"}
TRAIN_SECONDS = 3600  # the longest a job may take
POLL = 2  # seconds between two looks at a job or an endpoint
TAGS = [{"Key": "project", "Value": "text"}]
GROUP = "text-router"
METRICS = [
    {"Name": "validation:accuracy", "Regex": r"validation-accuracy:([0-9.]+)"},
    {"Name": "validation:calibration-error", "Regex": r"calibration-error:([0-9.]+)"},
    {"Name": "train:loss", "Regex": r"loss:([0-9.]+)"},
]


@dataclass(frozen=True)
class Account:
    """Whose cloud this runs in, and what it uses there; session is the deployer's."""

    session: boto3.Session
    region: str
    bucket: str
    jobs: str
    endpoint: str

    @property
    def sagemaker(self) -> Any:
        return self.session.client("sagemaker")


def caller() -> boto3.Session:
    """Who runs this, with a region."""
    session = boto3.Session()
    if not session.region_name:
        parts.refuse("No region is set: export AWS_DEFAULT_REGION, for instance us-east-1.")
    return session


def account(role: str | None = None, make: bool = True) -> Account:
    """The caller's region, its default bucket and this system's roles; make: those that are missing, or brought up.

    With a role given, that one does everything, as the caller.
    """
    who = caller()
    number, region = who.client("sts").get_caller_identity()["Account"], str(who.region_name)
    bucket = f"sagemaker-{region}-{number}"
    if make:
        make_bucket(who, bucket)
    if role:
        return Account(who, region, bucket, role, role)
    found = roles.make(who.client("iam"), number, region, bucket) if make else roles.made(number)
    return Account(roles.become(who, found.deployer), region, bucket, found.jobs, found.endpoint)


def make_bucket(session: boto3.Session, bucket: str) -> None:
    """Create the bucket unless it is there."""
    s3 = session.client("s3")
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        place = {"CreateBucketConfiguration": {"LocationConstraint": session.region_name}}
        s3.create_bucket(Bucket=bucket, **({} if session.region_name == "us-east-1" else place))


def upload(acc: Account, folder: Path, prefix: str) -> int:
    """Upload a folder's files under the prefix; return how many bytes."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in files:
        acc.session.client("s3").upload_file(str(path), acc.bucket, f"{prefix}/{path.relative_to(folder)}")
    return sum(path.stat().st_size for path in files)


def upload_source(acc: Account, files: list[Path], key: str) -> str:
    """Pack a job's source as sourcedir.tar.gz; return its S3 URI."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in files:
            archive.add(path, arcname=path.name)
    acc.session.client("s3").put_object(Bucket=acc.bucket, Key=key, Body=packed.getvalue())
    return f"s3://{acc.bucket}/{key}"


def image(kind: str, region: str, instance: str, scope: str) -> str:
    """The URI of AWS's own image: PyTorch's for the encoder, scikit-learn's for the floor."""
    if kind == "encoder":
        return image_uris.retrieve("pytorch", region, instance_type=instance, image_scope=scope, **PYTORCH)
    return image_uris.retrieve("sklearn", region, **SKLEARN)


def train(
    acc: Account, kind: str, name: str, script: str, source: str, chosen: dict[str, Any], data: str, instance: str
) -> None:
    """Start a job in script mode on the channels train and validation under `data`."""
    told = chosen | {"sagemaker_program": script, "sagemaker_submit_directory": source}
    channels = [
        {
            "ChannelName": part,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{data}/{part}/"}},
        }
        for part in ("train", "validation")
    ]
    acc.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=acc.jobs,
        AlgorithmSpecification={
            "TrainingImage": image(kind, acc.region, instance, "training"),
            "TrainingInputMode": "File",
            "MetricDefinitions": METRICS,
        },
        HyperParameters={key: json.dumps(value) for key, value in told.items()},
        InputDataConfig=channels,
        OutputDataConfig={"S3OutputPath": f"{data}/models"},
        ResourceConfig={"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": TRAIN_SECONDS},
        Tags=TAGS,
    )


def job(acc: Account, name: str) -> dict[str, Any]:
    return dict(acc.sagemaker.describe_training_job(TrainingJobName=name))


def endpoint(acc: Account, name: str) -> dict[str, Any]:
    return dict(acc.sagemaker.describe_endpoint(EndpointName=name))


def follow(look: Callable[[], dict[str, Any]], status: str, done: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Wait until the status is `done`, telling each change; SystemExit with AWS's reason when it fails."""
    while (now := look())[status] != done:
        say(now.get("SecondaryStatus") or now[status])
        if now[status] in ("Failed", "Stopped"):
            raise SystemExit(f"{status} is {now[status]}: {now.get('FailureReason')}")
        time.sleep(POLL)
    return now


def download(acc: Account, uri: str, folder: Path) -> Path:
    """Fetch a model.tar.gz and unpack it into the folder."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    packed = io.BytesIO()
    acc.session.client("s3").download_fileobj(bucket, key, packed)
    packed.seek(0)
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")
    return folder


def register(acc: Account, artifact: str, instance: str, metrics: dict[str, Any], approve: bool, why: str) -> str:
    """Put a version into the registry, its metrics beside it in S3; return its ARN. Approved only by the gate."""
    try:
        acc.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP, Tags=TAGS)
    except ClientError as error:
        if "already exists" not in str(error):
            raise
    key = artifact.removeprefix(f"s3://{acc.bucket}/").rpartition("/")[0] + "/evaluation.json"
    acc.session.client("s3").put_object(Bucket=acc.bucket, Key=key, Body=json.dumps(metrics, allow_nan=False).encode())
    served = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = {"Image": image("encoder", acc.region, instance, "inference"), "ModelDataUrl": artifact}
    version = acc.sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        InferenceSpecification={
            "Containers": [container | {"Environment": served}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
            "SupportedRealtimeInferenceInstanceTypes": [instance],
        },
        ModelMetrics={
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": f"s3://{acc.bucket}/{key}"}}
        },
        ModelApprovalStatus="PendingManualApproval",
    )["ModelPackageArn"]
    status = "Approved" if approve else "Rejected"
    acc.sagemaker.update_model_package(ModelPackageArn=version, ModelApprovalStatus=status, ApprovalDescription=why)
    return str(version)


def serves(acc: Account, name: str) -> str | None:
    """The configuration that the endpoint has; None when there is no such endpoint."""
    try:
        return str(endpoint(acc, name)["EndpointConfigName"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return None


def deploy(acc: Account, version: str, name: str, stamp: str, instance: str, say: Callable[[str], None]) -> None:
    """Let the endpoint serve a registered version, and wait: a new endpoint, or the one of the last run updated."""
    new, before = f"{name}-{stamp}", serves(acc, name)
    acc.sagemaker.create_model(
        ModelName=new, PrimaryContainer={"ModelPackageName": version}, ExecutionRoleArn=acc.endpoint, Tags=TAGS
    )
    variant = {"VariantName": "AllTraffic", "ModelName": new, "InstanceType": instance, "InitialInstanceCount": 1}
    acc.sagemaker.create_endpoint_config(EndpointConfigName=new, ProductionVariants=[variant], Tags=TAGS)
    if before:
        acc.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new)
    else:
        acc.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=new, Tags=TAGS)
    found = follow(lambda: endpoint(acc, name), "EndpointStatus", "InService", say)
    if found["EndpointConfigName"] != new:
        raise SystemExit(f"{name} went back to what it served: {found.get('FailureReason')}")
    if before:
        forget(acc, before)


def ask(acc: Account, name: str, texts: list[str]) -> list[dict[str, Any]]:
    """The endpoint's answers for masked texts."""
    runtime = acc.session.client("sagemaker-runtime")
    body = json.dumps({"texts": texts})
    answer = runtime.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=body)
    return list(json.loads(answer["Body"].read())["predictions"])


def latency(acc: Account, name: str, texts: list[str]) -> list[float]:
    """Milliseconds of each request with one text, one after the other, over one connection."""
    runtime, spent = acc.session.client("sagemaker-runtime"), []
    for text in texts:
        body, begun = json.dumps({"texts": [text]}), time.perf_counter()
        runtime.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=body)["Body"].read()
        spent.append((time.perf_counter() - begun) * 1000)
    return spent


def delete(acc: Account, name: str) -> None:
    """Delete the endpoint, its configuration and its model; the registry keeps its versions."""
    if config := serves(acc, name):
        acc.sagemaker.delete_endpoint(EndpointName=name)
        forget(acc, config)


def forget(acc: Account, config: str) -> None:
    """Delete a configuration and its model, which have one name."""
    acc.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    acc.sagemaker.delete_model(ModelName=config)


def tidy(acc: Account, jobs: list[str], name: str | None, remove: bool) -> list[str]:
    """After a run that ended early: stop its jobs, and delete its endpoint if that was asked for; say what is left."""
    said = []
    for each in jobs:
        if job(acc, each)["TrainingJobStatus"] == "InProgress":
            acc.sagemaker.stop_training_job(TrainingJobName=each)
            said.append(f"Job {each} was stopped.")
    if name and serves(acc, name):
        if remove:
            delete(acc, name)
            return [*said, f"Endpoint {name} was deleted."]
        said.append(f"Endpoint {name} is left: aws sagemaker delete-endpoint --endpoint-name {name} removes it.")
    return said
