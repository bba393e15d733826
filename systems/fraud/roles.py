"""The three roles of this system, each with no more than it needs: who deploys, the jobs, the endpoint.

    deployer   uploads data, starts jobs, registers, deploys and asks what is named fraud-*, and may pass the two others
    jobs       read what lies under fraud/ and write models, transformed data and logs
    endpoint   reads models and writes logs

On AWS a new role takes some seconds to be known everywhere: become() waits for it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError

SERVICE = "sagemaker.amazonaws.com"
KNOWN_SECONDS, LOOK = 60, 2
LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
IMAGES = ["ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer"]
IMAGES += ["ecr:BatchGetImage"]
VERBS = {
    "TrainingJob": ["Create", "Describe", "Stop"],
    "TransformJob": ["Create", "Describe", "Stop"],
    "ModelPackageGroup": ["Create", "Describe"],
    "ModelPackage": ["Create", "Describe"],  # CreateModel reads the version as its caller
    "Model": ["Create", "Delete"],
    "EndpointConfig": ["Create", "Delete"],
    "Endpoint": ["Create", "Describe", "Delete", "Invoke"],
}
SAGEMAKER = [f"sagemaker:{verb}{thing}" for thing, verbs in VERBS.items() for verb in verbs] + ["sagemaker:AddTags"]


@dataclass(frozen=True)
class Roles:
    """ARNs."""

    deployer: str
    jobs: str
    endpoint: str


def make(iam: Any, account: str, region: str, bucket: str) -> Roles:
    """Make the roles, or bring their policies up to date. The caller needs the right to."""
    people, service = {"AWS": f"arn:aws:iam::{account}:root"}, {"Service": SERVICE}
    jobs = role(iam, "fraud-jobs", service, jobs_policy(region, account, bucket))
    endpoint = role(iam, "fraud-endpoint", service, endpoint_policy(region, account, bucket))
    allowed = deployer_policy(region, account, bucket, [jobs, endpoint])
    return Roles(role(iam, "fraud-deployer", people, allowed), jobs, endpoint)


def role(iam: Any, name: str, trusted: dict[str, str], allowed: list[dict[str, Any]]) -> str:
    """Make one role with one policy; return its ARN."""
    trust = document([{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}])
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="fraud", PolicyDocument=document(allowed))
    return str(arn)


def become(caller: boto3.Session, arn: str) -> boto3.Session:
    """A session of the role whose credentials renew themselves, however long a run takes."""
    sts = caller.client("sts")

    def fetch() -> dict[str, str]:
        given = assumed(sts, arn)
        names = {"access_key": "AccessKeyId", "secret_key": "SecretAccessKey", "token": "SessionToken"}
        return {name: given[key] for name, key in names.items()} | {"expiry_time": given["Expiration"].isoformat()}

    session = botocore.session.get_session()
    session._credentials = RefreshableCredentials.create_from_metadata(
        metadata=fetch(), refresh_using=fetch, method="sts-assume-role"
    )
    return boto3.Session(botocore_session=session, region_name=caller.region_name)


def assumed(sts: Any, arn: str) -> dict[str, Any]:
    """Credentials of the role, for an hour; wait while AWS does not know it yet."""
    tries = KNOWN_SECONDS // LOOK
    while True:
        try:
            return dict(sts.assume_role(RoleArn=arn, RoleSessionName="fraud")["Credentials"])
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
    """What lies under fraud/ may be listed, and nothing else of the bucket."""
    only = {"StringLike": {"s3:prefix": "fraud/*"}}
    return allow(["s3:ListBucket"], f"arn:aws:s3:::{bucket}", Condition=only)


def jobs_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    ours, groups = f"arn:aws:s3:::{bucket}/fraud", f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker"
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"{ours}/*"),
        allow(["s3:PutObject"], f"{ours}/*/models/*", f"{ours}/*/scored/*"),
        allow(LOGS, f"{groups}/TrainingJobs:*", f"{groups}/TransformJobs:*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def endpoint_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"arn:aws:s3:::{bucket}/fraud/*/models/*"),
        allow(LOGS, f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/Endpoints/fraud-*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def deployer_policy(region: str, account: str, bucket: str, passed: list[str]) -> list[dict[str, Any]]:
    to, ours = {"StringEquals": {"iam:PassedToService": SERVICE}}, f"arn:aws:sagemaker:{region}:{account}"
    return [
        listing(bucket),
        allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/fraud/*"),
        allow(SAGEMAKER, f"{ours}:*/fraud-*"),
        allow(["iam:PassRole"], *passed, Condition=to),
    ]
