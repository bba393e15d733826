"""The three roles of this system, each with no more than it needs: who deploys, the training jobs, the endpoint.

    deployer   uploads masked texts, starts jobs, registers, deploys and asks what is named text-*, passes the others
    jobs       read what lies under text/ and write models and logs
    endpoint   reads models and writes logs

On AWS a new role takes some seconds to be known everywhere: become() waits for it. Roles are of the account, their
policies of one region: a run in another region turns them to that one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
SAGEMAKER = [
    *(f"sagemaker:{verb}TrainingJob" for verb in ("Create", "Describe", "Stop")),
    *(f"sagemaker:{verb}Model" for verb in ("Create", "Describe", "Delete")),
    *(f"sagemaker:{verb}EndpointConfig" for verb in ("Create", "Describe", "Delete")),
    *(f"sagemaker:{verb}Endpoint" for verb in ("Create", "Describe", "Update", "Delete", "Invoke")),
    *(f"sagemaker:{verb}ModelPackageGroup" for verb in ("Create", "Describe")),
    *(f"sagemaker:{verb}ModelPackage" for verb in ("Create", "Describe", "Update")),
    "sagemaker:AddTags",
]


@dataclass(frozen=True)
class Roles:
    """ARNs."""

    deployer: str
    jobs: str
    endpoint: str


def make(iam: Any, account: str, region: str, bucket: str) -> Roles:
    """Make the roles, or bring their policies up to date. The caller needs the right to."""
    people, service = {"AWS": f"arn:aws:iam::{account}:root"}, {"Service": SERVICE}
    jobs = role(iam, "text-jobs", service, jobs_policy(region, account, bucket))
    endpoint = role(iam, "text-endpoint", service, endpoint_policy(region, account, bucket))
    allowed = deployer_policy(region, account, bucket, [jobs, endpoint])
    return Roles(role(iam, "text-deployer", people, allowed), jobs, endpoint)


def made(account: str) -> Roles:
    """The roles that an earlier run made."""
    return Roles(*(f"arn:aws:iam::{account}:role/text-{name}" for name in ("deployer", "jobs", "endpoint")))


def role(iam: Any, name: str, trusted: dict[str, str], allowed: list[dict[str, Any]]) -> str:
    """Make one role with one policy; return its ARN."""
    trust = document([{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}])
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="text", PolicyDocument=document(allowed))
    return str(arn)


def become(caller: boto3.Session, arn: str) -> boto3.Session:
    """A session as the role, for as long as it is used: its keys last an hour and renew themselves."""
    fetch = partial(assumed, caller.client("sts"), arn)
    session = botocore.session.get_session()
    session._credentials = RefreshableCredentials.create_from_metadata(known(fetch), fetch, "sts-assume-role")
    return boto3.Session(botocore_session=session, region_name=caller.region_name)


def assumed(sts: Any, arn: str) -> dict[str, str]:
    """Keys of the role for an hour, as botocore keeps them."""
    given = sts.assume_role(RoleArn=arn, RoleSessionName="text")["Credentials"]
    keys = {"access_key": "AccessKeyId", "secret_key": "SecretAccessKey", "token": "SessionToken"}
    return {ours: given[name] for ours, name in keys.items()} | {"expiry_time": given["Expiration"].isoformat()}


def known(fetch: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What fetch returns, as soon as AWS knows the role."""
    tries = KNOWN_SECONDS // LOOK
    while True:
        try:
            return fetch()
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
    """What lies under text/ may be listed, and nothing else of the bucket."""
    only = {"StringLike": {"s3:prefix": "text/*"}}
    return allow(["s3:ListBucket"], f"arn:aws:s3:::{bucket}", Condition=only)


def jobs_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    ours = f"arn:aws:s3:::{bucket}/text"
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"{ours}/*"),
        allow(["s3:PutObject"], f"{ours}/*/models/*"),
        allow(LOGS, f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/TrainingJobs:*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def endpoint_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"arn:aws:s3:::{bucket}/text/*/models/*"),
        allow(LOGS, f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/Endpoints/text-*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def deployer_policy(region: str, account: str, bucket: str, passed: list[str]) -> list[dict[str, Any]]:
    to = {"StringEquals": {"iam:PassedToService": SERVICE}}
    return [
        listing(bucket),
        allow(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], f"arn:aws:s3:::{bucket}/text/*"),
        allow(SAGEMAKER, f"arn:aws:sagemaker:{region}:{account}:*/text-*"),
        allow(["iam:PassRole"], *passed, Condition=to),
    ]
