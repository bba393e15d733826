"""The three roles of this system, each with no more than it needs: who deploys, its jobs, what serves.

    deployer   uploads data, starts jobs, registers and approves models, deploys and asks what is named forecast-*, and
               may pass just the two others
    jobs       read what lies under forecast/ but the test part, and write prepared data, models and logs
    serving    the endpoint and the batch transforms: read models and requests, write answers and logs

On AWS a new role takes some seconds to be known everywhere: become() waits for it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError
from botocore.session import get_session

SERVICE = "sagemaker.amazonaws.com"
KNOWN_SECONDS, LOOK = 60, 2
LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
IMAGES = ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer"]
IMAGES += ["ecr:BatchGetImage"]
KINDS = [
    "ProcessingJob",
    "TrainingJob",
    "TransformJob",
    "HyperParameterTuningJob",
    "Model",
    "EndpointConfig",
    "Endpoint",
]
KINDS += ["ModelPackage", "ModelPackageGroup"]
DEPLOYS = [
    *(f"sagemaker:{verb}{kind}" for kind in KINDS for verb in ("Create", "Describe")),
    *(f"sagemaker:Stop{kind}" for kind in KINDS if kind.endswith("Job")),
    *(f"sagemaker:Delete{kind}" for kind in ("Model", "EndpointConfig", "Endpoint")),
    "sagemaker:UpdateModelPackage",
    "sagemaker:UpdateEndpoint",
    "sagemaker:InvokeEndpoint",
    "sagemaker:AddTags",
]


@dataclass(frozen=True)
class Roles:
    """ARNs."""

    deployer: str
    jobs: str
    serving: str


def make(iam: Any, account: str, region: str, bucket: str) -> Roles:
    """Make the roles, or bring their policies up to date. The caller needs the right to."""
    people, service = {"AWS": f"arn:aws:iam::{account}:root"}, {"Service": SERVICE}
    jobs = role(iam, "forecast-jobs", service, jobs_policy(region, account, bucket))
    serving = role(iam, "forecast-serving", service, serving_policy(region, account, bucket))
    allowed = deployer_policy(region, account, bucket, [jobs, serving])
    return Roles(role(iam, "forecast-deployer", people, allowed), jobs, serving)


def role(iam: Any, name: str, trusted: dict[str, str], allowed: list[dict[str, Any]]) -> str:
    """Make one role with one policy; return its ARN."""
    trust = document([{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}])
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="forecast", PolicyDocument=document(allowed))
    return str(arn)


def become(caller: boto3.Session, arn: str) -> boto3.Session:
    """A session of the role, whose keys are renewed before their hour is over."""
    sts = caller.client("sts")

    def fetch() -> dict[str, str]:
        given = assumed(sts, arn)
        keys = {"access_key": given["AccessKeyId"], "secret_key": given["SecretAccessKey"]}
        return keys | {"token": given["SessionToken"], "expiry_time": given["Expiration"].isoformat()}

    session = get_session()
    session._credentials = RefreshableCredentials.create_from_metadata(
        metadata=fetch(), refresh_using=fetch, method="sts-assume-role"
    )
    return boto3.Session(botocore_session=session, region_name=caller.region_name)


def assumed(sts: Any, arn: str) -> dict[str, Any]:
    """Credentials of the role, for an hour; wait while AWS does not know it yet."""
    tries = KNOWN_SECONDS // LOOK
    while True:
        try:
            return dict(sts.assume_role(RoleArn=arn, RoleSessionName="forecast")["Credentials"])
        except ClientError as error:
            tries -= 1
            if error.response["Error"]["Code"] != "AccessDenied" or not tries:
                raise
            time.sleep(LOOK)


def document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(actions: list[str], *resources: str, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)} | condition


def listing(bucket: str) -> dict[str, Any]:
    """What lies under forecast/ may be listed, and nothing else of the bucket."""
    only = {"StringLike": {"s3:prefix": "forecast/*"}}
    return allow(["s3:ListBucket"], f"arn:aws:s3:::{bucket}", Condition=only)


def logging(region: str, account: str, *groups: str) -> dict[str, Any]:
    return allow(LOGS, *(f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/{group}" for group in groups))


def jobs_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    ours = f"arn:aws:s3:::{bucket}/forecast"
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"{ours}/*"),
        allow(["s3:GetObject"], f"{ours}/*/prepared/test/*") | {"Effect": "Deny"},
        allow(["s3:PutObject"], *(f"{ours}/*/{written}/*" for written in ("prepared", "models"))),
        logging(region, account, "TrainingJobs:*", "ProcessingJobs:*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def serving_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    ours = f"arn:aws:s3:::{bucket}/forecast"
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"{ours}/*/models/*", f"{ours}/*/requests/*"),
        allow(["s3:PutObject"], f"{ours}/*/answers/*"),
        logging(region, account, "Endpoints/forecast-*", "TransformJobs:*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def deployer_policy(region: str, account: str, bucket: str, passed: list[str]) -> list[dict[str, Any]]:
    ours = f"arn:aws:sagemaker:{region}:{account}"
    handed = {"StringEquals": {"iam:PassedToService": SERVICE}}
    return [
        listing(bucket),
        allow(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], f"arn:aws:s3:::{bucket}/forecast/*"),
        allow(DEPLOYS, f"{ours}:*/forecast-*"),
        allow(["iam:PassRole"], *passed, Condition=handed),
    ]
