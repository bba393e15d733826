"""What run.py asks of AWS, one function per call sequence: the account, files, jobs, registry, endpoint, batch transform."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import roles
from botocore.exceptions import ClientError
from sagemaker.core import image_uris

SKLEARN_VERSION = "1.4-2"
SECONDS = 3600  # the longest a job may take
TRIALS = 8  # of the tuning job
POLL = 2  # seconds between two looks at a job or an endpoint
GROUP = "forecast-ensemble"
TAGS = [{"Key": "project", "Value": "forecast"}]
ENDED = ("Completed", "InService", "Failed", "Stopped")
THREADS = {"OMP_NUM_THREADS": "1"}  # jobs run side by side: more threads would only wait for one another
METRICS = [{"Name": "cv:owa", "Regex": "cv-owa:([0-9.]+)"}]


@dataclass(frozen=True)
class Account:
    """Whose cloud this runs in, and what it uses there; session is the deployer's."""

    session: boto3.Session
    region: str
    bucket: str
    jobs: str
    serving: str
    instance: str

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
    given = roles.become(caller.client("sts"), made.deployer)
    keys = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    return Account(boto3.Session(*keys, region_name=region), region, bucket, made.jobs, made.serving, instance)


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
    return str(image_uris.retrieve(name, acc.region, version=SKLEARN_VERSION if name == "sklearn" else None))


def source(uri: str) -> dict[str, Any]:
    return {"S3Uri": uri, "S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}


def process(acc: Account, name: str, program: str, inputs: dict[str, str], output: str) -> None:
    """Start a processing job: python3 of a program in the input `code`."""
    local = "/opt/ml/processing"
    given = [
        {"InputName": key, "S3Input": {"S3Uri": uri, "LocalPath": f"{local}/input/{key}", "S3DataType": "S3Prefix", "S3InputMode": "File"}}
        for key, uri in inputs.items()
    ]
    made = {"S3Uri": output, "LocalPath": f"{local}/output", "S3UploadMode": "EndOfJob"}
    acc.sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=acc.jobs,
        AppSpecification={"ImageUri": image(acc), "ContainerEntrypoint": ["python3", f"{local}/input/code/{program}"]},
        ProcessingInputs=given,
        ProcessingOutputConfig={"Outputs": [{"OutputName": "output", "S3Output": made}]},
        ProcessingResources={"ClusterConfig": resources(acc)},
        StoppingCondition={"MaxRuntimeInSeconds": SECONDS},
        Tags=TAGS,
    )


def resources(acc: Account) -> dict[str, Any]:
    return {"InstanceType": acc.instance, "InstanceCount": 1, "VolumeSizeInGB": 10}


def script(program: str, packed: str, chosen: dict[str, Any]) -> dict[str, str]:
    """Hyperparameters of a framework image: the script's own, and where the script lies."""
    whole = chosen | {"sagemaker_program": program, "sagemaker_submit_directory": packed}
    return {key: json.dumps(value) for key, value in whole.items()}


def definition(acc: Account, channels: dict[str, str], output: str, built_in: str = "") -> dict[str, Any]:
    """What a training job and a tuning job's jobs have in common, but for the hyperparameters' place."""
    algorithm: dict[str, Any] = {"TrainingImage": image(acc, built_in or "sklearn"), "TrainingInputMode": "File"}
    if not built_in:
        algorithm["MetricDefinitions"] = METRICS
    return {
        "AlgorithmSpecification": algorithm,
        "RoleArn": acc.jobs,
        "InputDataConfig": [{"ChannelName": n, "DataSource": {"S3DataSource": source(uri)}} for n, uri in channels.items()],
        "OutputDataConfig": {"S3OutputPath": output},
        "ResourceConfig": resources(acc),
        "StoppingCondition": {"MaxRuntimeInSeconds": SECONDS},
        "Environment": THREADS,
    }


def train(acc: Account, name: str, chosen: dict[str, str], channels: dict[str, str], output: str, built_in: str = "") -> None:
    """Start a training job."""
    whole = definition(acc, channels, output, built_in)
    acc.sagemaker.create_training_job(TrainingJobName=name, HyperParameters=chosen, Tags=TAGS, **whole)


def tune(acc: Account, name: str, fixed: dict[str, str], channels: dict[str, str], output: str) -> None:
    """Start a tuning job of LightGBM: Bayesian, two at a time, stopping early what is behind the median."""
    ranges = {
        "ContinuousParameterRanges": [
            {"Name": "learning_rate", "MinValue": "0.02", "MaxValue": "0.2", "ScalingType": "Logarithmic"},
            {"Name": "lambda_l2", "MinValue": "0.1", "MaxValue": "30", "ScalingType": "Logarithmic"},
        ],
        "IntegerParameterRanges": [
            {"Name": "num_leaves", "MinValue": "4", "MaxValue": "63", "ScalingType": "Logarithmic"},
            {"Name": "min_child_samples", "MinValue": "10", "MaxValue": "200", "ScalingType": "Logarithmic"},
            {"Name": "rounds", "MinValue": "50", "MaxValue": "400", "ScalingType": "Logarithmic"},
        ],
    }
    configuration = {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "cv:owa"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": ranges,
        "TrainingJobEarlyStoppingType": "Auto",
        "RandomSeed": 7,
    }
    whole = definition(acc, channels, output) | {"StaticHyperParameters": fixed}
    acc.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=configuration,
        TrainingJobDefinition=whole,
        Tags=TAGS,
    )


def tuned(acc: Account, name: str, say: Callable[[str], None]) -> tuple[dict[str, Any], dict[str, int]]:
    """The best job's value and hyperparameters, and how many jobs ended how."""
    status = "HyperParameterTuningJobStatus"
    found = follow(lambda: acc.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name), status, say)
    best = found["BestTrainingJob"]
    chosen = {key: float(value.strip('"')) for key, value in best["TunedHyperParameters"].items()}
    counts = {key: count for key, count in found["TrainingJobStatusCounters"].items() if count}
    return {"value": best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"], "chosen": chosen}, counts


def follow(describe: Callable[[], dict[str, Any]], status: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Wait for the end; SystemExit with AWS's reason when it is none that was wanted."""
    while (found := describe())[status] not in ENDED:
        say(found.get("SecondaryStatus") or found[status])
        time.sleep(POLL)
    if found[status] in ("Failed", "Stopped"):
        raise SystemExit(f"{found[status]}: {found.get('FailureReason', 'no reason is given')}")
    return found


def trained(acc: Account, name: str, say: Callable[[str], None]) -> dict[str, Any]:
    return follow(lambda: acc.sagemaker.describe_training_job(TrainingJobName=name), "TrainingJobStatus", say)


def processed(acc: Account, name: str, say: Callable[[str], None]) -> dict[str, Any]:
    return follow(lambda: acc.sagemaker.describe_processing_job(ProcessingJobName=name), "ProcessingJobStatus", say)


def register(acc: Account, artifact: str, evaluation: str, told: str) -> str:
    """A version in the registry, waiting for approval; return its ARN."""
    try:
        acc.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP, Tags=TAGS)
    except ClientError as error:
        if "already exists" not in error.response["Error"]["Message"]:
            raise
    container = {"Image": image(acc), "ModelDataUrl": artifact, "Environment": serves()}
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["application/jsonlines", "application/json"],
        "SupportedResponseMIMETypes": ["application/jsonlines", "application/json"],
        "SupportedRealtimeInferenceInstanceTypes": [acc.instance],
        "SupportedTransformInstanceTypes": [acc.instance],
    }
    made = acc.sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelPackageDescription=told,
        InferenceSpecification=specification,
        ModelApprovalStatus="PendingManualApproval",
        ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": evaluation}}},
    )
    return str(made["ModelPackageArn"])


def approve(acc: Account, package: str, why: str) -> None:
    acc.sagemaker.update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription=why[:1024]
    )


def serves() -> dict[str, str]:
    return THREADS | {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


def model(acc: Account, name: str, container: dict[str, Any]) -> None:
    acc.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=acc.serving, Tags=TAGS)


def deploy(acc: Account, name: str, say: Callable[[str], None]) -> None:
    """An endpoint of the model of that name."""
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": acc.instance, "InitialInstanceCount": 1}
    acc.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=TAGS)
    acc.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=TAGS)
    follow(lambda: acc.sagemaker.describe_endpoint(EndpointName=name), "EndpointStatus", say)


def ask(acc: Account, endpoint: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The endpoint's answer for one series."""
    runtime = acc.session.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="application/json", Body=json.dumps(asked))
    return dict(json.loads(answer["Body"].read()))


def transform(acc: Account, name: str, of: str, lines: list[dict[str, Any]], prefix: str, environment: dict[str, str]) -> None:
    """Start a batch transform of the model over JSON lines; answers come under <prefix>/answers/<name>/."""
    body = "\n".join(json.dumps(line) for line in lines) + "\n"
    acc.s3.put_object(Bucket=acc.bucket, Key=f"{prefix}/requests/{name}/series.jsonl", Body=body.encode())
    asked = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{acc.bucket}/{prefix}/requests/{name}/"}}}
    acc.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=of,
        BatchStrategy="MultiRecord",
        MaxPayloadInMB=1,
        Environment=environment,
        TransformInput=asked | {"ContentType": "application/jsonlines", "SplitType": "Line"},
        TransformOutput={
            "S3OutputPath": f"s3://{acc.bucket}/{prefix}/answers/{name}",
            "Accept": "application/jsonlines",
            "AssembleWith": "Line",
        },
        TransformResources={"InstanceType": acc.instance, "InstanceCount": 1},
        Tags=TAGS,
    )


def transformed(acc: Account, name: str, prefix: str, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """The answers, in the order of the lines."""
    follow(lambda: acc.sagemaker.describe_transform_job(TransformJobName=name), "TransformJobStatus", say)
    found = acc.s3.get_object(Bucket=acc.bucket, Key=f"{prefix}/answers/{name}/series.jsonl.out")
    return [json.loads(line) for line in found["Body"].read().splitlines() if line.strip()]


def delete(acc: Account, name: str) -> None:
    """Delete endpoint, configuration and model of that name."""
    acc.sagemaker.delete_endpoint(EndpointName=name)
    acc.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    acc.sagemaker.delete_model(ModelName=name)
