"""What run.py asks of AWS, a function each: account, objects, registry, endpoint. jobs.py has the jobs."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import roles
from botocore.exceptions import ClientError
from sagemaker.core import image_uris

PYTORCH_VERSION = "2.6"
POLL = 2  # seconds between two looks
TAGS = [{"Key": "project", "Value": "vision"}]
GROUP = "vision-ensemble"  # of the model registry
TYPES = ["application/jsonlines", "image/png", "image/jpeg"]
ENDED = ("Completed", "InService", "Failed", "Stopped")


@dataclass(frozen=True)
class Account:
    """Whose cloud this runs in, and what it uses there; session is the deployer's, prefix this run's place in S3."""

    session: boto3.Session
    region: str
    bucket: str
    jobs: str
    endpoint: str
    prefix: str
    instance: str

    @property
    def sagemaker(self) -> Any:
        return self.session.client("sagemaker")

    @property
    def s3(self) -> Any:
        return self.session.client("s3")

    def uri(self, *parts: str) -> str:
        return "/".join((f"s3://{self.bucket}/{self.prefix}", *parts))

    def resources(self, count: int = 1) -> dict[str, Any]:
        return {"InstanceType": self.instance, "InstanceCount": count, "VolumeSizeInGB": 10}


def account(prefix: str, instance: str, role: str | None = None, *, make: bool = True) -> Account:
    """The caller's region, its default bucket and this system's roles, made when they are missing and may be made.

    With a role given, that one does everything, as the caller.
    """
    caller = boto3.Session()
    if not caller.region_name:
        raise SystemExit("No region is set: export AWS_DEFAULT_REGION, for instance us-east-1.")
    number, region = caller.client("sts").get_caller_identity()["Account"], caller.region_name
    bucket = f"sagemaker-{region}-{number}"
    if make:
        make_bucket(caller, bucket)
    if role:
        return Account(caller, region, bucket, role, role, prefix, instance)
    made = roles.make(caller.client("iam"), number, region, bucket) if make else roles.named(number)
    session = roles.become(caller, made.deployer, **({} if make else {"wait": 0}))
    return Account(session, region, bucket, made.jobs, made.endpoint, prefix, instance)


def make_bucket(session: boto3.Session, bucket: str) -> None:
    """Create the bucket unless it is there."""
    s3 = session.client("s3")
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        where = {"LocationConstraint": session.region_name}
        s3.create_bucket(Bucket=bucket, **({} if session.region_name == "us-east-1" else
                                           {"CreateBucketConfiguration": where}))  # fmt: skip


def image(acc: Account, scope: str) -> str:
    """The address of AWS's PyTorch image, for "training" or "inference"."""
    how = {"version": PYTORCH_VERSION, "instance_type": acc.instance, "image_scope": scope}
    return str(image_uris.retrieve("pytorch", acc.region, **how))


def upload(acc: Account, files: Iterable[tuple[Path, str]]) -> int:
    """Upload files to their keys below the run's prefix, several at a time; how many bytes."""
    s3, wanted = acc.s3, list(files)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: s3.upload_file(str(one[0]), acc.bucket, f"{acc.prefix}/{one[1]}"), wanted))
    return sum(path.stat().st_size for path, _ in wanted)


def upload_source(acc: Account, folder: Path) -> str:
    """The folder as a sourcedir.tar.gz; its URI."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path in sorted(folder.iterdir()):
            if path.suffix in (".py", ".txt", ".npz"):
                tar.add(path, path.name)
    acc.s3.put_object(Bucket=acc.bucket, Key=f"{acc.prefix}/source/sourcedir.tar.gz", Body=packed.getvalue())
    return acc.uri("source", "sourcedir.tar.gz")


def download(acc: Account, uri: str, to: Path) -> Path:
    """Fetch one object."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    to.parent.mkdir(parents=True, exist_ok=True)
    acc.s3.download_file(bucket, key, str(to))
    return to


def follow(describe: Callable[[], dict[str, Any]], status: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Wait for the end, telling each status; SystemExit with AWS's reason when it fails."""
    while (found := describe())[status] not in ENDED:
        say(found.get("SecondaryStatus", found[status]))
        time.sleep(POLL)
    if found[status] in ("Failed", "Stopped"):
        raise SystemExit(f"{found[status]}: {found.get('FailureReason', 'no reason was given')}")
    return found


def register(acc: Account, artifact: str, report: dict[str, Any]) -> str:
    """A version of the model package group, made when it is missing; waits for approval. Its ARN."""
    sagemaker = acc.sagemaker
    try:
        sagemaker.describe_model_package_group(ModelPackageGroupName=GROUP)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        sagemaker.create_model_package_group(ModelPackageGroupName=GROUP, Tags=TAGS)
    served = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = {"Image": image(acc, "inference"), "ModelDataUrl": artifact, "Environment": served}
    made = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [container], "SupportedContentTypes": TYPES, "SupportedResponseMIMETypes": TYPES[:1]},
        CustomerMetadataProperties={name: str(value) for name, value in report.items()},
    )  # fmt: skip
    return str(made["ModelPackageArn"])


def approve(acc: Account, package: str, name: str) -> None:
    """Approve the version and make a model of it."""
    acc.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    container = {"ModelPackageName": package}
    acc.sagemaker.create_model(ModelName=name, ExecutionRoleArn=acc.endpoint, PrimaryContainer=container, Tags=TAGS)


def answers(acc: Account) -> list[dict[str, Any]]:
    """All lines that the transform wrote."""
    s3, found = acc.s3, []
    listed = s3.list_objects_v2(Bucket=acc.bucket, Prefix=f"{acc.prefix}/answers/")["Contents"]
    for entry in listed:
        body = s3.get_object(Bucket=acc.bucket, Key=entry["Key"])["Body"].read()
        found += [json.loads(line) for line in body.splitlines() if line.strip()]
    return found


def deploy(acc: Account, name: str) -> None:
    """Create the endpoint of a model, all of one name."""
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": acc.instance, "InitialInstanceCount": 1}
    acc.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=TAGS)
    acc.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=TAGS)


def ask(acc: Account, endpoint: str, picture: bytes, kind: str) -> dict[str, Any]:
    """The endpoint's answer for one picture file."""
    runtime = acc.session.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType=kind, Accept=TYPES[0], Body=picture)
    return dict(json.loads(answer["Body"].read()))


def is_up(acc: Account, name: str) -> bool:
    """Whether there is such an endpoint, in whatever state."""
    try:
        acc.sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if "Could not find" not in error.response["Error"]["Message"]:
            raise
        return False
    return True


def delete(acc: Account, name: str) -> None:
    """Delete what there is of endpoint, configuration and model of that name; the registered version stays."""
    sagemaker = acc.sagemaker
    for gone in (
        lambda: sagemaker.delete_endpoint(EndpointName=name),
        lambda: sagemaker.delete_endpoint_config(EndpointConfigName=name),
        lambda: sagemaker.delete_model(ModelName=name),
    ):
        try:
            gone()
        except ClientError as error:
            if "Could not find" not in error.response["Error"]["Message"]:
                raise
