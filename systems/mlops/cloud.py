"""Whose cloud this runs in, and what it keeps there: account, bucket, uploads named by their content, images."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import roles
from botocore.exceptions import ClientError

HERE = Path(__file__).resolve().parent
REPOSITORY = "mlops-judge"
JUDGE = ("evaluate.py", "inference.py")  # of model/, what the container has of ours
SOURCE = ("inference.py", "train.py")  # of model/, what the logistic regression is trained and served by
MIXED = 16  # characters of a hash in a name


@dataclass(frozen=True)
class Account:
    """Session is the deployer's, caller's own is only for what sets the system up: bucket, roles, container."""

    session: boto3.Session
    caller: boto3.Session
    number: str
    bucket: str
    pipeline: str
    jobs: str
    endpoint: str

    @property
    def region(self) -> str:
        return str(self.session.region_name)

    def client(self, service: str) -> Any:
        return self.session.client(service)


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
        return Account(caller, caller, number, bucket, role, role, role)
    made = roles.make(caller.client("iam"), number, region, bucket)
    deployer = roles.become(caller, made.deployer)
    return Account(deployer, caller, number, bucket, made.pipeline, made.jobs, made.endpoint)


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


def named(files: list[Path]) -> str:
    """A name that says what is in the files: the same content has the same place, and the pipeline's cache holds."""
    seen = hashlib.sha256()
    for path in sorted(files, key=lambda each: each.name):
        seen.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return seen.hexdigest()[:MIXED]


def upload(acc: Account, files: list[Path], root: str) -> str:
    """Put files below root, in a folder named by their content; return its S3 URI."""
    uri = f"{root}/{named(files)}"
    bucket, prefix = uri.removeprefix("s3://").split("/", 1)
    for path in files:
        acc.client("s3").upload_file(str(path), bucket, f"{prefix}/{path.name}")
    return uri


def upload_source(acc: Account, folder: Path, root: str) -> str:
    """Pack a source folder as sourcedir.tar.gz, the same bytes for the same files; return its S3 URI."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in (folder / name for name in SOURCE):
            entry = tarfile.TarInfo(path.name)
            entry.size = path.stat().st_size
            archive.addfile(entry, io.BytesIO(path.read_bytes()))
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "sourcedir.tar.gz"
        with gzip.GzipFile(path, "wb", mtime=0) as zipped:
            zipped.write(packed.getvalue())
        return f"{upload(acc, [path], root)}/{path.name}"


def read(acc: Account, uri: str) -> bytes:
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    return bytes(acc.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def download(acc: Account, uri: str, to: Path) -> Path:
    """Fetch one S3 object."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(read(acc, uri))
    return to


def judge(acc: Account, base: str) -> tuple[str, bool]:
    """The URI of our container, built unless an image of the same content is there; and whether it was."""
    files = [HERE / "container" / "Dockerfile", *(HERE / "model" / name for name in JUDGE)]
    tag = f"{named(files)}-{base.rsplit(':', 1)[1]}"
    uri = f"{acc.number}.dkr.ecr.{acc.region}.amazonaws.com/{REPOSITORY}:{tag}"
    ecr = acc.caller.client("ecr")
    try:
        ecr.describe_images(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])
        return uri, True
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("RepositoryNotFoundException", "ImageNotFoundException"):
            raise
    if code == "RepositoryNotFoundException":
        ecr.create_repository(repositoryName=REPOSITORY)
    with tempfile.TemporaryDirectory() as context:
        for path in files:
            shutil.copy(path, context)
        build(ecr, context, uri, base)
    return uri, False


def build(ecr: Any, context: str, uri: str, base: str) -> None:
    """By IMAGE_BUILD, where the surroundings bring a builder that also keeps the image; else by Docker, and pushed."""
    own = os.environ.get("IMAGE_BUILD")
    if not own:
        for registry in (base.split("/")[0], uri.split("/")[0]):
            login(ecr, registry)
    told([*shlex.split(own or "docker build"), context, "-t", uri, "--build-arg", f"BASE={base}"])
    if not own:
        told(["docker", "push", uri])


def login(ecr: Any, registry: str) -> None:
    given = ecr.get_authorization_token(registryIds=[registry.split(".")[0]])["authorizationData"][0]
    user, password = base64.b64decode(given["authorizationToken"]).decode().split(":", 1)
    told(["docker", "login", "--username", user, "--password-stdin", registry], password)


def told(argv: list[str], given: str | None = None) -> None:
    """Run a command quietly; SystemExit with what it said when it fails."""
    try:
        done = subprocess.run(argv, input=given, capture_output=True, text=True)
    except FileNotFoundError:
        raise SystemExit(f"{argv[0]} is not installed: the container of the step Evaluate is built with it.") from None
    if done.returncode:
        raise SystemExit(f"{shlex.join(argv)} failed:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
