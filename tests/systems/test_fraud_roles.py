"""The roles of systems/fraud, as its run makes them: what each must do it may, and what it may not."""

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
RUN = "fraud/1"


def the_module():
    path = Path(__file__).resolve().parents[2] / "systems" / "fraud" / "roles.py"
    spec = importlib.util.spec_from_file_location("fraud_roles", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


class System:
    def __init__(self, cloud):
        self.cloud, code = cloud, the_module()
        iam = connect(cloud, "iam")
        self.roles = code.make(iam, ACCOUNT, REGION, BUCKET)
        assert code.make(iam, ACCOUNT, REGION, BUCKET) == self.roles  # again changes nothing
        self.key = code.assumed(connect(cloud, "sts"), self.roles.deployer)
        s3 = connect(cloud, "s3")
        for key in (f"{RUN}/week-1/rows/rows.csv", f"{RUN}/models/x/model.tar.gz", "others/secret"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")

    def deployer(self, service):
        given = self.key["AccessKeyId"], self.key["SecretAccessKey"], self.key["SessionToken"]
        return self.cloud._client(service, REGION, *given)

    def as_role(self, arn, service):
        return self.cloud.assume(service, REGION, arn, "job")


@pytest.fixture
def system(cloud):
    return System(cloud)


def denied(attempt, action, **request):
    with pytest.raises(ClientError) as error:
        attempt(**request)
    said = error.value.response["Error"]
    assert said["Code"] in ("AccessDenied", "AccessDeniedException"), said
    assert f"not authorized to perform: {action}" in said["Message"]


def test_the_deployer_registers_deploys_and_does_nothing_else(system):
    sagemaker, role = system.deployer("sagemaker"), system.roles.endpoint
    sagemaker.create_model_package_group(ModelPackageGroupName="fraud-detectors")
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{RUN}/models/x/model.tar.gz"}
    types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    made = sagemaker.create_model_package(
        ModelPackageGroupName="fraud-detectors",
        InferenceSpecification={"Containers": [container]} | types,
        ModelApprovalStatus="Approved",
    )
    packaged = {"PrimaryContainer": {"ModelPackageName": made["ModelPackageArn"]}}
    sagemaker.create_model(ModelName="fraud-m", ExecutionRoleArn=role, **packaged)

    other = f"arn:aws:iam::{ACCOUNT}:role/Administrator"
    denied(sagemaker.create_model, "iam:PassRole", ModelName="fraud-n", ExecutionRoleArn=other, **packaged)
    denied(sagemaker.create_model, "sagemaker:CreateModel", ModelName="theirs", ExecutionRoleArn=role, **packaged)
    denied(system.deployer("s3").get_object, "s3:GetObject", Bucket=BUCKET, Key="others/secret")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    denied(system.deployer("iam").create_role, "iam:CreateRole", RoleName="r", AssumeRolePolicyDocument=trust)


def test_jobs_write_models_and_scores_and_nothing_else(system):
    s3 = system.as_role(system.roles.jobs, "s3")
    assert s3.get_object(Bucket=BUCKET, Key=f"{RUN}/week-1/rows/rows.csv")["Body"].read() == b"1"
    s3.put_object(Bucket=BUCKET, Key=f"{RUN}/models/y/model.tar.gz", Body=b"3")
    s3.put_object(Bucket=BUCKET, Key=f"{RUN}/week-1/scored/rows.csv.out", Body=b"3")

    denied(s3.get_object, "s3:GetObject", Bucket=BUCKET, Key="others/secret")
    denied(s3.put_object, "s3:PutObject", Bucket=BUCKET, Key=f"{RUN}/week-1/rows/rows.csv", Body=b"")
    denied(s3.delete_object, "s3:DeleteObject", Bucket=BUCKET, Key=f"{RUN}/models/x/model.tar.gz")


def test_the_endpoint_reads_models_and_does_nothing_else(system):
    s3 = system.as_role(system.roles.endpoint, "s3")
    assert s3.get_object(Bucket=BUCKET, Key=f"{RUN}/models/x/model.tar.gz")["Body"].read() == b"1"

    denied(s3.get_object, "s3:GetObject", Bucket=BUCKET, Key=f"{RUN}/week-1/rows/rows.csv")
    denied(s3.put_object, "s3:PutObject", Bucket=BUCKET, Key=f"{RUN}/models/x/model.tar.gz", Body=b"")
