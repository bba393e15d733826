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


def account(role: str | None = None) -> Account:
    """The caller's region, its default bucket and this system's roles, made when they are missing.

    With a role given, that one does everything, as the caller.
    """
    caller = boto3.Session()
    if not caller.region_name:
        raise SystemExit("No region is set: export AWS_DEFAULT_REGION, for instance us-east-1.")
    number, region = caller.client("sts").get_caller_identity()["Account"], caller.region_name
    bucket = f"sagemaker-{region}-{number}"
    make_bucket(caller, bucket)
    if role:
        return Account(caller, region, bucket, role, role)
    made = roles.make(caller.client("iam"), number, region, bucket)
    given = roles.become(caller.client("sts"), made.deployer)
    keys = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    return Account(boto3.Session(*keys, region_name=region), region, bucket, made.jobs, made.endpoint)


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


def upload_source(acc: Account, folder: Path, key: str) -> str:
    """Pack a source folder as sourcedir.tar.gz; return its S3 URI."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in [*sorted(folder.glob("*.py")), folder / "requirements.txt"]:
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
    acc.session.client("s3").put_object(Bucket=acc.bucket, Key=key, Body=json.dumps(metrics).encode())
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


def deploy(acc: Account, version: str, name: str, instance: str) -> None:
    """Create model, endpoint configuration and endpoint of a registered version, all of one name."""
    acc.sagemaker.create_model(
        ModelName=name, PrimaryContainer={"ModelPackageName": version}, ExecutionRoleArn=acc.endpoint, Tags=TAGS
    )
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": instance, "InitialInstanceCount": 1}
    acc.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=TAGS)
    acc.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=TAGS)


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
    """Delete endpoint, configuration and model of that name; the registry keeps its versions."""
    acc.sagemaker.delete_endpoint(EndpointName=name)
    acc.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    acc.sagemaker.delete_model(ModelName=name)
