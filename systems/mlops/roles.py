"""The four roles of this system, each with no more than it needs: who deploys, the pipeline, its jobs, the endpoint.

    deployer   uploads data, defines and starts the pipeline, approves versions, deploys and asks endpoints named
               mlops-*, and may pass just the three others
    pipeline   starts the jobs of its steps as the jobs' role, and registers what they made; it reads no data
    jobs       read what lies under mlops/ and write models, results and logs
    endpoint   reads models, writes what it captures and logs

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
JOBS = {  # the kinds of a pipeline's jobs, and how SageMaker Pipelines names them
    "TrainingJob": "training-job/pipelines-*",
    "ProcessingJob": "processing-job/pipelines-*",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job/*-tune-*",
}
DEPLOYS = [
    *(f"sagemaker:{verb}{kind}" for kind in ("Pipeline", "Model") for verb in ("Create", "Describe")),
    *(
        f"sagemaker:{verb}{kind}"
        for kind in ("EndpointConfig", "Endpoint")
        for verb in ("Create", "Describe", "Delete")
    ),
    "sagemaker:UpdatePipeline",
    "sagemaker:StartPipelineExecution",
    "sagemaker:StopPipelineExecution",
    "sagemaker:DescribePipelineExecution",
    "sagemaker:ListPipelineExecutionSteps",
    "sagemaker:DeleteModel",
    "sagemaker:UpdateEndpoint",
    "sagemaker:InvokeEndpoint",
    "sagemaker:CreateModelPackageGroup",
    "sagemaker:DescribeModelPackageGroup",
    "sagemaker:DescribeModelPackage",
    "sagemaker:UpdateModelPackage",
    "sagemaker:ListModelPackages",
    "sagemaker:ListTags",
    "sagemaker:AddTags",
]


@dataclass(frozen=True)
class Roles:
    """ARNs."""

    deployer: str
    pipeline: str
    jobs: str
    endpoint: str


def make(iam: Any, account: str, region: str, bucket: str) -> Roles:
    """Make the roles, or bring their policies up to date. The caller needs the right to."""
    people, service = {"AWS": f"arn:aws:iam::{account}:root"}, {"Service": SERVICE}
    jobs = role(iam, "mlops-jobs", service, jobs_policy(region, account, bucket))
    pipeline = role(iam, "mlops-pipeline", service, pipeline_policy(region, account, bucket, jobs))
    endpoint = role(iam, "mlops-endpoint", service, endpoint_policy(region, account, bucket))
    allowed = deployer_policy(region, account, bucket, [pipeline, jobs, endpoint])
    return Roles(role(iam, "mlops-deployer", people, allowed), pipeline, jobs, endpoint)


def role(iam: Any, name: str, trusted: dict[str, str], allowed: list[dict[str, Any]]) -> str:
    """Make one role with one policy; return its ARN."""
    trust = document([{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}])
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="mlops", PolicyDocument=document(allowed))
    return str(arn)


def become(caller: boto3.Session, arn: str) -> boto3.Session:
    """A session as the role, for as long as it is used: its keys last an hour and renew themselves."""
    sts = caller.client("sts")

    def fetch() -> dict[str, str]:
        given = sts.assume_role(RoleArn=arn, RoleSessionName="mlops")["Credentials"]
        keys = {"access_key": "AccessKeyId", "secret_key": "SecretAccessKey", "token": "SessionToken"}
        return {ours: given[name] for ours, name in keys.items()} | {"expiry_time": given["Expiration"].isoformat()}

    session = botocore.session.get_session()
    session._credentials = RefreshableCredentials.create_from_metadata(known(fetch), fetch, "sts-assume-role")
    return boto3.Session(botocore_session=session, region_name=caller.region_name)


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
    """What lies under mlops/ may be listed, and nothing else of the bucket."""
    only = {"StringLike": {"s3:prefix": "mlops/*"}}
    return allow(["s3:ListBucket"], f"arn:aws:s3:::{bucket}", Condition=only)


def passing(*arns: str) -> dict[str, Any]:
    """These roles may be handed to SageMaker, and to nobody else."""
    return allow(["iam:PassRole"], *arns, Condition={"StringEquals": {"iam:PassedToService": SERVICE}})


def logging(region: str, account: str, *groups: str) -> dict[str, Any]:
    return allow(LOGS, *(f"arn:aws:logs:{region}:{account}:log-group:/aws/sagemaker/{group}" for group in groups))


def jobs_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    ours = f"arn:aws:s3:::{bucket}/mlops"
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"{ours}/*"),
        allow(["s3:PutObject"], *(f"{ours}/*/{written}/*" for written in ("models", "runs", "debug"))),
        logging(region, account, "TrainingJobs:*", "ProcessingJobs:*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def pipeline_policy(region: str, account: str, bucket: str, jobs: str) -> list[dict[str, Any]]:
    """Property files are the only data that it reads."""
    ours = f"arn:aws:sagemaker:{region}:{account}"
    started = [
        allow([f"sagemaker:{verb}{kind}" for verb in ("Create", "Describe", "Stop")], f"{ours}:{named}")
        for kind, named in JOBS.items()
    ]
    packages = [f"{ours}:model-package/mlops-*", f"{ours}:model-package-group/mlops-*"]
    registers = ["CreateModelPackage", "DescribeModelPackage", "DescribeModelPackageGroup"]
    tuned = ["sagemaker:ListTrainingJobsForHyperParameterTuningJob"]  # the best first
    return [
        *started,
        allow(tuned, f"{ours}:{JOBS['HyperParameterTuningJob']}"),
        allow(["sagemaker:AddTags"], *(f"{ours}:{named}" for named in JOBS.values()), *packages),
        allow([f"sagemaker:{each}" for each in registers], *packages),
        allow(["s3:GetObject"], f"arn:aws:s3:::{bucket}/mlops/*/runs/*/evaluation/*"),
        passing(jobs),
    ]


def endpoint_policy(region: str, account: str, bucket: str) -> list[dict[str, Any]]:
    ours = f"arn:aws:s3:::{bucket}/mlops"
    return [
        listing(bucket),
        allow(["s3:GetObject"], f"{ours}/*/models/*"),
        allow(["s3:PutObject"], f"{ours}/*/capture/*"),
        logging(region, account, "Endpoints/mlops-*"),
        allow([*IMAGES, "cloudwatch:PutMetricData"], "*"),
    ]


def deployer_policy(region: str, account: str, bucket: str, passed: list[str]) -> list[dict[str, Any]]:
    """It looks at all jobs of pipelines, to tell what they cost, and starts none but by the pipeline."""
    ours = f"arn:aws:sagemaker:{region}:{account}"
    return [
        listing(bucket),
        allow(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], f"arn:aws:s3:::{bucket}/mlops/*"),
        allow(DEPLOYS, f"{ours}:*/mlops-*"),
        *(allow([f"sagemaker:Describe{kind}"], f"{ours}:{named}") for kind, named in JOBS.items()),
        allow(["sagemaker:ListTrainingJobsForHyperParameterTuningJob"], f"{ours}:{JOBS['HyperParameterTuningJob']}"),
        passing(*passed),
    ]
