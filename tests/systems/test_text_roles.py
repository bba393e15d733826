"""The roles of systems/text, as its run makes them: what each must do it may, and three things it may not."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from conftest import connect

ACCOUNT, REGION = "000000000000", "us-east-1"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
RUN = "text/aws/1"


def the_module():
    path = Path(__file__).resolve().parents[2] / "systems" / "text" / "roles.py"
    spec = importlib.util.spec_from_file_location("text_roles", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


class System:
    def __init__(self, cloud):
        self.cloud, code = cloud, the_module()
        self.iam = connect(cloud, "iam")
        self.roles = code.make(self.iam, ACCOUNT, REGION, BUCKET)
        assert code.make(self.iam, ACCOUNT, REGION, BUCKET) == self.roles == code.made(ACCOUNT)  # again changes nothing
        self.key = code.assumed(connect(cloud, "sts"), self.roles.deployer)
        s3 = connect(cloud, "s3")
        for key in (f"{RUN}/train/a.csv", f"{RUN}/models/x/model.tar.gz", "others/secret"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")

    def deployer(self, service):
        return self.cloud._client(service, REGION, *(self.key[name] for name in ("access_key", "secret_key", "token")))

    def jobs(self, service):
        return self.cloud.assume(service, REGION, self.roles.jobs, "job")

    def endpoint(self, service):
        return self.cloud.assume(service, REGION, self.roles.endpoint, "endpoint")


@pytest.fixture
def system(cloud):
    return System(cloud)


def denied(attempt, action, **request):
    with pytest.raises(ClientError) as error:
        attempt(**request)
    said = error.value.response["Error"]
    assert said["Code"] in ("AccessDenied", "AccessDeniedException"), said
    assert f"not authorized to perform: {action}" in said["Message"]


def model(role, name="text-m"):
    return {"ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": {"Image": IMAGE}}


def test_the_deployer_deploys_and_does_nothing_else(system):
    s3, sagemaker = system.deployer("s3"), system.deployer("sagemaker")
    s3.put_object(Bucket=BUCKET, Key=f"{RUN}/train/b.csv", Body=b"2")
    sagemaker.create_model(**model(system.roles.endpoint))
    sagemaker.describe_model(ModelName="text-m")

    other = f"arn:aws:iam::{ACCOUNT}:role/Administrator"
    denied(sagemaker.create_model, "iam:PassRole", **model(other, "text-n"))
    denied(sagemaker.create_model, "sagemaker:CreateModel", **model(system.roles.endpoint, "theirs"))
    denied(s3.get_object, "s3:GetObject", Bucket=BUCKET, Key="others/secret")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    denied(system.deployer("iam").create_role, "iam:CreateRole", RoleName="r", AssumeRolePolicyDocument=trust)
    denied(system.deployer("sagemaker-runtime").invoke_endpoint, "sagemaker:InvokeEndpoint", EndpointName="t", Body=b"")


def test_jobs_read_data_write_models_and_do_nothing_else(system):
    s3 = system.jobs("s3")
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{RUN}/train/")["KeyCount"] == 1
    assert s3.get_object(Bucket=BUCKET, Key=f"{RUN}/train/a.csv")["Body"].read() == b"1"
    s3.put_object(Bucket=BUCKET, Key=f"{RUN}/models/y/model.tar.gz", Body=b"3")

    denied(s3.get_object, "s3:GetObject", Bucket=BUCKET, Key="others/secret")
    denied(s3.put_object, "s3:PutObject", Bucket=BUCKET, Key=f"{RUN}/train/a.csv", Body=b"")
    denied(s3.delete_object, "s3:DeleteObject", Bucket=BUCKET, Key=f"{RUN}/train/a.csv")
    denied(s3.list_objects_v2, "s3:ListBucket", Bucket=BUCKET)
    denied(system.jobs("sagemaker").create_model, "sagemaker:CreateModel", **model(system.roles.jobs))


def test_the_endpoint_reads_models_and_does_nothing_else(system):
    s3 = system.endpoint("s3")
    assert s3.get_object(Bucket=BUCKET, Key=f"{RUN}/models/x/model.tar.gz")["Body"].read() == b"1"

    denied(s3.get_object, "s3:GetObject", Bucket=BUCKET, Key=f"{RUN}/train/a.csv")
    denied(s3.put_object, "s3:PutObject", Bucket=BUCKET, Key=f"{RUN}/models/x/model.tar.gz", Body=b"")
    denied(system.endpoint("iam").list_users, "iam:ListUsers")


def test_only_sagemaker_becomes_the_roles_of_jobs_and_endpoint(system):
    for role in (system.roles.jobs, system.roles.endpoint):
        asked = {"RoleArn": role, "RoleSessionName": "me"}
        denied(connect(system.cloud, "sts").assume_role, "sts:AssumeRole", **asked)
