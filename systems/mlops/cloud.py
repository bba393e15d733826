"""What run.py asks of AWS, one function per call sequence: the account, uploads, training jobs, endpoints."""

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
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, TrainingJob
from sagemaker.core.shapes import (
    AlgorithmSpecification,
    Channel,
    ContainerDefinition,
    DataSource,
    MetricDefinition,
    OutputDataConfig,
    ProductionVariant,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
)

XGBOOST_VERSION = "3.0-5"
SKLEARN_VERSION = "1.4-2"
TRAIN_SECONDS = 3600  # the longest a job may take
POLL = 2  # seconds between two looks at a job or an endpoint
TAGS = [{"key": "project", "value": "mlops"}]  # a dict: the SDK has two classes Tag, and each call takes one of them


@dataclass(frozen=True)
class Account:
    """Whose cloud this runs in, and what it uses there; session is the deployer's."""

    session: boto3.Session
    region: str
    bucket: str
    jobs: str
    endpoint: str


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
        for path in sorted(folder.glob("*.py")):
            archive.add(path, arcname=path.name)
    acc.session.client("s3").put_object(Bucket=acc.bucket, Key=key, Body=packed.getvalue())
    return f"s3://{acc.bucket}/{key}"


def image(kind: str, region: str) -> str:
    """The URI of AWS's own image for a kind of model."""
    if kind == "xgboost":
        return image_uris.retrieve("xgboost", region, version=XGBOOST_VERSION)
    return image_uris.retrieve("sklearn", region, version=SKLEARN_VERSION)


def script_mode(script: str, source: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """Hyperparameters of a framework image: the script's own, and where the script lies."""
    return chosen | {"sagemaker_program": script, "sagemaker_submit_directory": source}


def train(acc: Account, kind: str, name: str, chosen: dict[str, Any], data: str, instance: str) -> TrainingJob:
    """Start a training job on the channels train and validation under `data`."""
    logistic = kind == "logistic"
    metrics = [MetricDefinition(name="validation:auc", regex=r"validation-auc:([0-9.]+)")] if logistic else None
    encode = json.dumps if logistic else str  # framework images read JSON, the built-in algorithm reads text
    specification = AlgorithmSpecification(training_image=image(kind, acc.region), training_input_mode="File")
    if metrics:
        specification.metric_definitions = metrics
    channels = [
        Channel(
            channel_name=part,
            content_type="text/csv",
            data_source=DataSource(
                s3_data_source=S3DataSource(
                    s3_data_type="S3Prefix",
                    s3_uri=f"{data}/{part}/",
                    s3_data_distribution_type="FullyReplicated",
                )
            ),
        )
        for part in ("train", "validation")
    ]
    return TrainingJob.create(
        training_job_name=name,
        role_arn=acc.jobs,
        algorithm_specification=specification,
        hyper_parameters={key: encode(value) for key, value in chosen.items()},
        input_data_config=channels,
        output_data_config=OutputDataConfig(s3_output_path=f"{data}/models"),
        resource_config=ResourceConfig(instance_type=instance, instance_count=1, volume_size_in_gb=10),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=TRAIN_SECONDS),
        tags=TAGS,
        session=acc.session,
        region=acc.region,
    )


def follow(resource: TrainingJob | Endpoint, status: Callable[[], str], done: str, say: Callable[[str], None]) -> None:
    """Wait until the status is `done`, telling each change; SystemExit with AWS's reason when it fails."""
    while (now := status()) != done:
        say(now)
        if now in ("Failed", "Stopped"):
            name = getattr(resource, "training_job_name", None) or getattr(resource, "endpoint_name", "")
            raise SystemExit(f"{name} {now.lower()}: {resource.failure_reason}")
        time.sleep(POLL)
        resource.refresh()


def download(acc: Account, uri: str, to: Path) -> Path:
    """Fetch one S3 object."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    to.parent.mkdir(parents=True, exist_ok=True)
    acc.session.client("s3").download_file(bucket, key, str(to))
    return to


def deploy(acc: Account, kind: str, name: str, artifact: str, instance: str) -> Endpoint:
    """Create model, endpoint configuration and endpoint, all of one name."""
    served = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = ContainerDefinition(image=image(kind, acc.region), model_data_url=artifact)
    if kind == "logistic":
        container.environment = served
    where = {"session": acc.session, "region": acc.region}
    Model.create(model_name=name, primary_container=container, execution_role_arn=acc.jobs, tags=TAGS, **where)
    variant = ProductionVariant(
        variant_name="AllTraffic",
        model_name=name,
        instance_type=instance,
        initial_instance_count=1,
        initial_variant_weight=1.0,
    )
    EndpointConfig.create(endpoint_config_name=name, production_variants=[variant], tags=TAGS, **where)
    return Endpoint.create(endpoint_name=name, endpoint_config_name=name, tags=TAGS, **where)


def ask(acc: Account, endpoint: str, line: str) -> float:
    """The endpoint's answer for one line of CSV."""
    runtime = acc.session.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=line)
    return float(answer["Body"].read().decode().strip())


def delete(acc: Account, name: str) -> None:
    """Delete endpoint, configuration and model of that name."""
    sagemaker = acc.session.client("sagemaker")
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName=name)
