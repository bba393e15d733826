"""Whose cloud this is, what lies in its bucket, AWS's images, and waiting for what goes on in it."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import roles
from botocore import xform_name
from botocore.exceptions import ClientError

SKLEARN_VERSION = "1.4-2"
POLL = 2  # seconds between two looks at a job or an endpoint
TAGS = [{"Key": "project", "Value": "forecast"}]
ENDED = ("Completed", "InService", "Failed", "Stopped")
THREADS = {"OMP_NUM_THREADS": "1"}  # jobs run side by side: more threads would only wait for one another


@dataclass(frozen=True)
class Account:
    """Whose cloud this runs in, and what it uses there; session is the deployer's.

    running: kind of each job that was started and has not been seen to end; billed: seconds of those that ended.
    """

    session: boto3.Session
    region: str
    bucket: str
    jobs: str
    serving: str
    instance: str
    running: dict[str, str] = field(default_factory=dict)
    billed: dict[str, float] = field(default_factory=dict)

    @property
    def sagemaker(self) -> Any:
        return self.session.client("sagemaker")

    @property
    def s3(self) -> Any:
        return self.session.client("s3")


def account(instance: str, role: str | None = None) -> Account:
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
    return Account(roles.become(caller, made.deployer), region, bucket, made.jobs, made.serving, instance)


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


def upload(acc: Account, files: Iterable[Path], prefix: str) -> int:
    """Upload files under the prefix; return how many bytes."""
    size = 0
    for path in files:
        acc.s3.upload_file(str(path), acc.bucket, f"{prefix}/{path.name}")
        size += path.stat().st_size
    return size


def upload_source(acc: Account, folder: Path, key: str) -> str:
    """Pack a source folder as sourcedir.tar.gz; return its S3 URI."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path in [*sorted(folder.glob("*.py")), folder / "requirements.txt"]:
            archive.add(path, arcname=path.name)
    acc.s3.put_object(Bucket=acc.bucket, Key=key, Body=packed.getvalue())
    return f"s3://{acc.bucket}/{key}"


def download(acc: Account, uri: str, folder: Path) -> None:
    """Fetch everything under a prefix into the folder, by the names below it."""
    bucket, prefix = uri.removeprefix("s3://").split("/", 1)
    for page in acc.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            to = folder / found["Key"].removeprefix(prefix).lstrip("/")
            to.parent.mkdir(parents=True, exist_ok=True)
            acc.s3.download_file(bucket, found["Key"], str(to))


def image(acc: Account, name: str = "sklearn") -> str:
    """The URI of AWS's own image."""
    from sagemaker.core import image_uris  # takes a second

    return str(image_uris.retrieve(name, acc.region, version=SKLEARN_VERSION if name == "sklearn" else None))


def start(acc: Account, kind: str, name: str, **request: Any) -> None:
    """Create a job of that kind (TrainingJob, …)."""
    acc.running[name] = kind  # also while the answer is awaited: an interrupted run stops it
    call(acc, "create", kind, name, **request, Tags=TAGS)


def call(acc: Account, verb: str, kind: str, name: str, **request: Any) -> dict[str, Any]:
    return dict(getattr(acc.sagemaker, f"{verb}_{xform_name(kind)}")(**{f"{kind}Name": name}, **request))


def follow(acc: Account, kind: str, name: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Wait for the end of a job, or an endpoint's readiness; SystemExit with AWS's reason when it is no good one."""
    while (found := call(acc, "describe", kind, name))[f"{kind}Status"] not in ENDED:
        say(found.get("SecondaryStatus") or found[f"{kind}Status"])
        time.sleep(POLL)
    acc.running.pop(name, None)
    acc.billed[name] = billed(found)
    if (ended := found[f"{kind}Status"]) in ("Failed", "Stopped"):
        raise SystemExit(f"{name} {ended.lower()}: {found.get('FailureReason', 'no reason is given')}")
    return found


def billed(found: dict[str, Any]) -> float:
    """Seconds that a job held its instance, which AWS bills; of a tuning job, those of all its training jobs."""
    if "ConsumedResources" in found:
        return float(found["ConsumedResources"]["RuntimeInSeconds"])
    for kind in ("Processing", "Transform"):
        if f"{kind}EndTime" in found:
            return float((found[f"{kind}EndTime"] - found[f"{kind}StartTime"]).total_seconds())
    return float(found.get("BillableTimeInSeconds", 0))
