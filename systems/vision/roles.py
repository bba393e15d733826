"""The three roles of this system, each with no more than it needs: who deploys, the jobs, what serves.

    deployer   uploads pictures, starts jobs, registers, deploys and asks what is named vision-*, may pass the others
    jobs       read what lies under vision/ and write prepared pictures, members and models
    endpoint   reads models and pictures to be judged, writes answers: endpoint and batch transform

On AWS a new role takes some seconds to be known everywhere: become() waits for it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
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
    "TrainingJob": ("Create", "Describe", "Stop"),
    "HyperParameterTuningJob": ("Create", "Describe", "Stop"),
    "ProcessingJob": ("Create", "Describe", "Stop"),
    "TransformJob": ("Create", "Describe", "Stop"),
    "ModelPackageGroup": ("Create", "Describe"),
    "ModelPackage": ("Create", "Describe", "Update"),
    "Model": ("Create", "Describe", "Delete"),
    "EndpointConfig": ("Create", "Describe", "Delete"),
    "Endpoint": ("Create", "Describe", "Delete", "Invoke"),
}
SAGEMAKER = [f"sagemaker:{verb}{noun}" for noun, verbs in VERBS.items() for verb in verbs] + [
    "sagemaker:AddTags",
    "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
]


@dataclass(frozen=True)
class Roles:
    """ARNs."""

    deployer: str
    jobs: str
    endpoint: str


def named(account: str) -> Roles:
    """As make() made them."""
    return Roles(*(f"arn:aws:iam::{account}:role/vision-{of}" for of in ("deployer", "jobs", "endpoint")))


def make(iam: Any, account: str, region: str, bucket: str) -> Roles:
    """Make the roles, or bring their policies up to date. The caller needs the right to."""
    people, service = {"AWS": f"arn:aws:iam::{account}:root"}, {"Service": SERVICE}
    jobs = role(iam, "vision-jobs", service, jobs_policy(region, account, bucket))
    endpoint = role(iam, "vision-endpoint", service, endpoint_policy(region, account, bucket))
    allowed = deployer_policy(region, account, bucket, [jobs, endpoint])
    return Roles(role(iam, "vision-deployer", people, allowed), jobs, endpoint)


def role(iam: Any, name: str, trusted: dict[str, str], allowed: list[dict[str, Any]]) -> str:
    """Make one role with one policy; return its ARN."""
    trust = document([{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}])
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="vision", PolicyDocument=document(allowed))
    return str(arn)


def become(caller: boto3.Session, arn: str, wait: int = KNOWN_SECONDS) -> boto3.Session:
    """A session of the role, whose keys renew themselves; waits so many seconds while AWS does not know it yet."""
    sts = caller.client("sts")

    def keys() -> dict[str, str]:
        given = sts.assume_role(RoleArn=arn, RoleSessionName="vision")["Credentials"]
        names = {"access_key": "AccessKeyId", "secret_key": "SecretAccessKey", "token": "SessionToken"}
        return {to: given[of] for to, of in names.items()} | {"expiry_time": given["Expiration"].isoformat()}

    session = botocore.session.get_session()
    how = {"refresh_using": keys, "method": "sts-assume-role"}
    session._credentials = RefreshableCredentials.create_from_metadata(metadata=known(keys, wait), **how)
    return boto3.Session(botocore_session=session, region_name=caller.region_name)


def known(keys: Callable[[], dict[str, str]], wait: int) -> dict[str, str]:
    """The first keys, as soon as AWS knows the role."""
    tries = wait // LOOK
    while True:
        try:
            return keys()
        except ClientError as error:
            tries -= 1
            if error.response["Error"]["Code"] != "AccessDenied" or tries < 1:
                raise
            time.sleep(LOOK)


def document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(actions: list[str], *resources: str, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)} | condition


def listing(bucket: str) -> dict[str, Any]:
    """What lies under vision/ may be listed, and nothing else of the bucket."""
    only = {"StringLike": {"s3:prefix": "vision/*"}}
    return allow(["s3:ListBucket"], f"arn:aws:s3:::{bucket}", Condition=only)


def jobs_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    ours = f"arn:aws:s3:::{bucket}/vision"
    written = [f"{ours}/*/{folder}/*" for folder in ("prepared", "trials", "members", "models")]
    groups = f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker"
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"{ours}/*"),
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], *written),
        allow(LOGS, f"{groups}/TrainingJobs:*", f"{groups}/ProcessingJobs:*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def endpoint_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    ours, groups = f"arn:aws:s3:::{bucket}/vision", f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker"
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"{ours}/*/models/*", f"{ours}/*/asked/*"),
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], f"{ours}/*/answers/*"),
        allow(LOGS, f"{groups}/Endpoints/vision-*", f"{groups}/TransformJobs:*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def deployer_policy(region: str, account: str, bucket: str, passed: list[str]) -> list[dict[str, Any]]:
    to = {"StringEquals": {"iam:PassedToService": SERVICE}}
    return [
        listing(bucket),
        allow(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], f"arn:aws:s3:::{bucket}/vision/*"),
        allow(SAGEMAKER, f"arn:aws:sagemaker:{region}:{account}:*/vision-*"),
        allow(["iam:PassRole"], *passed, Condition=to),
    ]
