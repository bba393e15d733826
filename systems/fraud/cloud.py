"""What run.py asks of AWS, one function per call sequence: the account, uploads, jobs, the registry, the endpoint."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import roles
from botocore.exceptions import ClientError

XGBOOST_VERSION = "3.0-5"
SKLEARN_VERSION = "1.4-2"
LIGHTGBM = "lightgbm-classification-model:latest"  # the repository's name in the built-in algorithms' registry
SECONDS = 3600  # the longest a job may take
POLL = 1  # seconds between two looks at a job or an endpoint
TAGS = [{"Key": "project", "Value": "fraud"}]
SERVED = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
CSV = "text/csv"
GROUP = "fraud-detectors"


@dataclass(frozen=True)
class Account:
    """Whose cloud this runs in, and what it uses there; session is the deployer's. running: job -> its kind."""

    session: boto3.Session
    region: str
    bucket: str
    jobs: str
    endpoint: str
    instance: str
    running: dict[str, str] = field(default_factory=dict)

    @cached_property
    def sagemaker(self) -> Any:
        return self.session.client("sagemaker")

    @cached_property
    def s3(self) -> Any:
        return self.session.client("s3")


def account(role: str | None, instance: str) -> Account:
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
        return Account(caller, region, bucket, role, role, instance)
    made = roles.make(caller.client("iam"), number, region, bucket)
    return Account(roles.become(caller, made.deployer), region, bucket, made.jobs, made.endpoint, instance)


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


def put(acc: Account, key: str, body: bytes) -> str:
    """One object; its URI."""
    acc.s3.put_object(Bucket=acc.bucket, Key=key, Body=body)
    return f"s3://{acc.bucket}/{key}"


def get(acc: Account, uri: str) -> bytes:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    return acc.s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def upload_source(acc: Account, folder: Path, key: str) -> str:
    """Pack a source folder as sourcedir.tar.gz; return its S3 URI."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in sorted([*folder.glob("*.py"), *folder.glob("*.txt")]):
            archive.add(path, arcname=path.name)
    return put(acc, key, packed.getvalue())


def image(kind: str, region: str) -> str:
    """The address of AWS's own image for a kind of model."""
    from sagemaker.core import image_uris  # seconds to import, and the tests do without it

    if kind == "xgboost":
        return image_uris.retrieve("xgboost", region, version=XGBOOST_VERSION)
    if kind == "ensemble":
        return image_uris.retrieve("sklearn", region, version=SKLEARN_VERSION)
    forest = image_uris.retrieve("randomcutforest", region)
    return forest if kind == "randomcutforest" else f"{forest.split('/')[0]}/{LIGHTGBM}"


def script_mode(script: str, source: str) -> dict[str, str]:
    """What tells a framework image which script it runs."""
    return {"sagemaker_program": json.dumps(script), "sagemaker_submit_directory": json.dumps(source)}


def train(
    acc: Account, kind: str, name: str, chosen: dict[str, Any], channels: dict[str, tuple[str, str]], to: str
) -> str:
    """Start a training job; channels: name -> (prefix, content type). The job's name."""
    spread = "ShardedByS3Key" if kind == "randomcutforest" else "FullyReplicated"  # the only way that image takes
    acc.running[name] = "training"
    acc.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=acc.jobs,
        AlgorithmSpecification={"TrainingImage": image(kind, acc.region), "TrainingInputMode": "File"},
        HyperParameters={key: str(value) for key, value in chosen.items()},
        InputDataConfig=[
            {"ChannelName": channel, "ContentType": content, "DataSource": {"S3DataSource": source(uri, spread)}}
            for channel, (uri, content) in channels.items()
        ],
        OutputDataConfig={"S3OutputPath": to},
        ResourceConfig={"InstanceType": acc.instance, "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": SECONDS},
        Tags=TAGS,
    )
    return name


def source(uri: str, spread: str = "FullyReplicated") -> dict[str, str]:
    return {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": spread}


def trained(acc: Account, name: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Wait for a training job; what Describe says of it."""
    found = follow(lambda: acc.sagemaker.describe_training_job(TrainingJobName=name), "TrainingJob", say)
    acc.running.pop(name)
    return found


def score(acc: Account, name: str, kind: str, artifact: str, rows: str, to: str) -> None:
    """Start a batch transform of CSV rows, and make the model it needs, of the same name."""
    acc.running[name] = "transform"
    create_model(acc, name, {"Image": image(kind, acc.region), "ModelDataUrl": artifact}, acc.jobs)
    acc.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=name,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": rows}},
            "ContentType": CSV,
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": to, "Accept": "application/jsonlines", "AssembleWith": "Line"},
        TransformResources={"InstanceType": acc.instance, "InstanceCount": 1},
        BatchStrategy="MultiRecord",
        MaxPayloadInMB=1,
        Tags=TAGS,
    )


def scored(acc: Account, name: str, uri: str, say: Callable[[str], None]) -> list[float]:
    """Wait for a transform, delete its model, and read the scores of its one object."""
    follow(lambda: acc.sagemaker.describe_transform_job(TransformJobName=name), "TransformJob", say)
    acc.running.pop(name)
    acc.sagemaker.delete_model(ModelName=name)
    return [json.loads(line)["score"] for line in get(acc, uri).decode().splitlines() if line]


def follow(look: Callable[[], dict[str, Any]], thing: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Wait until a thing has come to its end, telling each change; SystemExit with AWS's reason when it fails."""
    while True:
        found = look()
        status = found[f"{thing}Status"]
        if status in ("Completed", "InService"):
            return found
        if status in ("Failed", "Stopped"):
            name = found.get(f"{thing}Name")
            raise SystemExit(f"{name} {status.lower()}: {found.get('FailureReason', 'no reason was given')}")
        say(str(found.get("SecondaryStatus", status)))
        time.sleep(POLL)


def create_model(acc: Account, name: str, container: dict[str, Any], role: str) -> None:
    acc.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role, Tags=TAGS)


def register(acc: Account, kind: str, artifact: str, metrics: str, facts: dict[str, str], approved: str) -> str:
    """A new version in the group, with its metrics and the decision about it; the version's ARN."""
    sagemaker = acc.sagemaker
    try:
        sagemaker.describe_model_package_group(ModelPackageGroupName=GROUP)
    except ClientError:
        about = "detectors of card fraud"
        sagemaker.create_model_package_group(ModelPackageGroupName=GROUP, ModelPackageGroupDescription=about, Tags=TAGS)
    container: dict[str, Any] = {"Image": image(kind, acc.region), "ModelDataUrl": artifact}
    if kind == "ensemble":
        container["Environment"] = SERVED
    return sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelPackageDescription=kind,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": [CSV],
            "SupportedResponseMIMETypes": [CSV],
        },
        ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": metrics}}},
        CustomerMetadataProperties=facts,
        ModelApprovalStatus=approved,
    )["ModelPackageArn"]


def deploy(acc: Account, name: str, packages: dict[str, str]) -> None:
    """One endpoint with a variant for each approved version, equal weights; variant -> ARN of the version."""
    for variant, arn in packages.items():
        create_model(acc, f"{name}-{variant}", {"ModelPackageName": arn}, acc.endpoint)
    variants = [
        {
            "VariantName": variant,
            "ModelName": f"{name}-{variant}",
            "InstanceType": acc.instance,
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1.0,
        }
        for variant in packages
    ]
    acc.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, Tags=TAGS)
    acc.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=TAGS)


def in_service(acc: Account, name: str, say: Callable[[str], None]) -> None:
    follow(lambda: acc.sagemaker.describe_endpoint(EndpointName=name), "Endpoint", say)


def ask(runtime: Any, endpoint: str, lines: str, variant: str | None = None) -> tuple[list[float], str]:
    """The scores of some lines of CSV, and the variant that answered."""
    aimed = {"TargetVariant": variant} if variant else {}
    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType=CSV, Accept=CSV, Body=lines, **aimed)
    text = answer["Body"].read().decode().replace(",", "\n")
    return [float(score) for score in text.split()], answer["InvokedProductionVariant"]


def delete(acc: Account, name: str, variants: Iterable[str]) -> None:
    """Delete the endpoint, once AWS has made it, its configuration and its models; whichever there are."""
    sagemaker = acc.sagemaker
    if_there(lambda: wait_out(acc, name))
    if_there(lambda: sagemaker.delete_endpoint(EndpointName=name))
    if_there(lambda: sagemaker.delete_endpoint_config(EndpointConfigName=name))
    for variant in variants:
        if_there(lambda model=f"{name}-{variant}": sagemaker.delete_model(ModelName=model))


def wait_out(acc: Account, name: str) -> None:
    """Wait while the endpoint is being made."""
    while acc.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating":
        time.sleep(POLL)


def stop(acc: Account) -> None:
    """Stop the jobs that still run, and delete the models of transforms."""
    for name, kind in list(acc.running.items()):
        if kind == "training":
            if_there(lambda job=name: acc.sagemaker.stop_training_job(TrainingJobName=job))
        else:
            if_there(lambda job=name: acc.sagemaker.stop_transform_job(TransformJobName=job))
            if_there(lambda model=name: acc.sagemaker.delete_model(ModelName=model))


def if_there(ask: Callable[[], Any]) -> None:
    """Ask; what is not there, or has come to its end by itself, needs nothing."""
    try:
        ask()
    except ClientError as error:
        if not any(said in error.response["Error"]["Message"] for said in ("Could not find", "not found", "in status")):
            raise
