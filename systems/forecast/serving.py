"""Registry, endpoint and batch transform, one function per call to SageMaker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from cloud import TAGS, THREADS, Account, call, follow, image, start

GROUP = ENDPOINT = "forecast-ensemble"


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


def deployed(acc: Account) -> str | None:
    """The name of the configuration and of the model that the endpoint has, if there is one."""
    try:
        return str(acc.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return None


def deploy(acc: Account, name: str, say: Callable[[str], None]) -> None:
    """The model of that name, in place of what the endpoint served before, which is deleted."""
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": acc.instance, "InitialInstanceCount": 1}
    acc.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=TAGS)
    if before := deployed(acc):
        acc.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name)
    else:
        acc.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=name, Tags=TAGS)
    if (found := follow(acc, "Endpoint", ENDPOINT, say))["EndpointConfigName"] != name:
        raise SystemExit(f"{ENDPOINT} went back to what it served: {found.get('FailureReason')}")
    if before:
        remove(acc, before)


def ask(acc: Account, asked: dict[str, Any]) -> dict[str, Any]:
    """The endpoint's answer for one series."""
    runtime = acc.session.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType="application/json", Body=json.dumps(asked))
    return dict(json.loads(answer["Body"].read()))


def transform(
    acc: Account, name: str, of: str, lines: list[dict[str, Any]], prefix: str, environment: dict[str, str]
) -> None:
    """Start a batch transform of the model over JSON lines; answers come under <prefix>/answers/<name>/."""
    body = "\n".join(json.dumps(line) for line in lines) + "\n"
    acc.s3.put_object(Bucket=acc.bucket, Key=f"{prefix}/requests/{name}/series.jsonl", Body=body.encode())
    asked = {
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{acc.bucket}/{prefix}/requests/{name}/"}
        }
    }
    start(
        acc,
        "TransformJob",
        name,
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
    )


def transformed(acc: Account, name: str, prefix: str, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """The answers, in the order of the lines."""
    follow(acc, "TransformJob", name, say)
    found = acc.s3.get_object(Bucket=acc.bucket, Key=f"{prefix}/answers/{name}/series.jsonl.out")
    return [json.loads(line) for line in found["Body"].read().splitlines() if line.strip()]


def delete(acc: Account, name: str) -> None:
    """Delete configuration and model of that name, and the endpoint if it serves them."""
    if deployed(acc) == name:
        acc.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    remove(acc, name)


def remove(acc: Account, name: str) -> None:
    """Configuration and model of that name, where they are."""
    for kind in ("EndpointConfig", "Model"):
        try:
            call(acc, "delete", kind, name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
