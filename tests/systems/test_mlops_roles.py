"""The roles of systems/mlops, as its run makes them: what each must do it may, and three things it may not."""

import importlib.util
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from conftest import connect

ACCOUNT, REGION = "000000000000", "us-east-1"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
RUN = "mlops/randhie/1"


def the_module():
    path = Path(__file__).resolve().parents[2] / "systems" / "mlops" / "roles.py"
    spec = importlib.util.spec_from_file_location("mlops_roles", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


class Dated:
    """An STS whose credentials end by the clock on the wall, as botocore looks at it, not by the cloud's in a test."""

    def __init__(self, sts, *, lasting):
        self.sts, self.lasting, self.asked = sts, lasting, 0

    def assume_role(self, **request):
        self.asked += 1
        given = self.sts.assume_role(**request)["Credentials"]
        return {"Credentials": given | {"Expiration": datetime.now(UTC) + timedelta(seconds=self.lasting)}}


def caller(sts):
    return SimpleNamespace(client=lambda service: sts, region_name=REGION)


class System:
    def __init__(self, cloud):
        self.cloud, code = cloud, the_module()
        self.iam = connect(cloud, "iam")
        self.roles = code.make(self.iam, ACCOUNT, REGION, BUCKET)
        assert code.make(self.iam, ACCOUNT, REGION, BUCKET) == self.roles  # again changes nothing
        self.sts = Dated(connect(cloud, "sts"), lasting=3600)
        self.key = code.become(caller(self.sts), self.roles.deployer).get_credentials().get_frozen_credentials()
        s3 = connect(cloud, "s3")
        report = f"{RUN}/runs/e/evaluation/evaluation.json"
        for key in (f"{RUN}/train/a.csv", f"{RUN}/models/x/model.tar.gz", report, "others/secret"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"1")

    def deployer(self, service):
        return self.cloud._client(service, REGION, self.key.access_key, self.key.secret_key, self.key.token)

    def pipeline(self, service):
        return self.cloud.assume(service, REGION, self.roles.pipeline, "pipeline")

    def jobs(self, service):
        return self.cloud.assume(service, REGION, self.roles.jobs, "job")

    def endpoint(self, service):
        return self.cloud.assume(service, REGION, self.roles.endpoint, "endpoint")


@pytest.fixture
def system(cloud):
    return System(cloud)


def test_a_session_outlives_its_first_keys(system):
    sts = Dated(system.sts.sts, lasting=5)
    session = the_module().become(caller(sts), system.roles.deployer)
    sts.lasting = 3600

    first, second = (session.get_credentials().get_frozen_credentials() for _ in range(2))

    assert sts.asked == 2 and first == second and session.region_name == REGION


def denied(attempt, action, **request):
    with pytest.raises(ClientError) as error:
        attempt(**request)
    said = error.value.response["Error"]
    assert said["Code"] in ("AccessDenied", "AccessDeniedException"), said
    assert f"not authorized to perform: {action}" in said["Message"]


def model(role, name="mlops-m"):
    return {"ModelName": name, "ExecutionRoleArn": role, "PrimaryContainer": {"Image": IMAGE}}


def processing(role, name):
    return {
        "ProcessingJobName": name,
        "RoleArn": role,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
    }


PACKAGE = {
    "ModelPackageGroupName": "mlops-randhie",
    "InferenceSpecification": {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{RUN}/models/x/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    },
}


def test_the_pipeline_starts_its_jobs_registers_and_does_nothing_else(system):
    sagemaker, s3 = system.pipeline("sagemaker"), system.pipeline("s3")
    sagemaker.create_processing_job(**processing(system.roles.jobs, "pipelines-e-prepare-r"))
    system.deployer("sagemaker").create_model_package_group(ModelPackageGroupName="mlops-randhie")
    made = sagemaker.create_model_package(**PACKAGE)["ModelPackageArn"]
    assert s3.get_object(Bucket=BUCKET, Key=f"{RUN}/runs/e/evaluation/evaluation.json")["Body"].read() == b"1"

    denied(
        sagemaker.create_processing_job, "iam:PassRole", **processing(system.roles.endpoint, "pipelines-e-prepare-s")
    )
    denied(
        sagemaker.create_processing_job, "sagemaker:CreateProcessingJob", **processing(system.roles.jobs, "of-my-own")
    )
    approval = {"ModelPackageArn": made, "ModelApprovalStatus": "Approved"}
    denied(sagemaker.update_model_package, "sagemaker:UpdateModelPackage", **approval)
    denied(s3.get_object, "s3:GetObject", Bucket=BUCKET, Key=f"{RUN}/train/a.csv")
    denied(s3.put_object, "s3:PutObject", Bucket=BUCKET, Key=f"{RUN}/runs/e/evaluation/evaluation.json", Body=b"")


def test_the_deployer_approves_a_version_and_starts_no_job_of_its_own(system):
    sagemaker = system.deployer("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="mlops-randhie")
    made = system.pipeline("sagemaker").create_model_package(**PACKAGE)["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=made, ModelApprovalStatus="Approved")
    assert sagemaker.describe_model_package(ModelPackageName=made)["ModelApprovalStatus"] == "Approved"

    own = processing(system.roles.jobs, "pipelines-e-prepare-r")
    denied(sagemaker.create_processing_job, "sagemaker:CreateProcessingJob", **own)
    denied(sagemaker.create_model_package, "sagemaker:CreateModelPackage", **PACKAGE)
    denied(
        system.deployer("iam").put_role_policy, "iam:PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument="{}"
    )


def test_the_deployer_deploys_and_does_nothing_else(system):
    s3, sagemaker = system.deployer("s3"), system.deployer("sagemaker")
    s3.put_object(Bucket=BUCKET, Key=f"{RUN}/train/b.csv", Body=b"2")
    sagemaker.create_model(**model(system.roles.endpoint))
    sagemaker.describe_model(ModelName="mlops-m")

    other = f"arn:aws:iam::{ACCOUNT}:role/Administrator"
    denied(sagemaker.create_model, "iam:PassRole", **model(other, "mlops-n"))
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
    s3.put_object(Bucket=BUCKET, Key=f"{RUN}/runs/e/train/a.csv", Body=b"4")

    denied(s3.get_object, "s3:GetObject", Bucket=BUCKET, Key="others/secret")
    denied(s3.put_object, "s3:PutObject", Bucket=BUCKET, Key=f"{RUN}/train/a.csv", Body=b"")
    denied(s3.delete_object, "s3:DeleteObject", Bucket=BUCKET, Key=f"{RUN}/train/a.csv")
    denied(s3.list_objects_v2, "s3:ListBucket", Bucket=BUCKET)
    denied(system.jobs("sagemaker").create_model, "sagemaker:CreateModel", **model(system.roles.jobs))


def test_the_endpoint_reads_models_and_does_nothing_else(system):
    s3 = system.endpoint("s3")
    assert s3.get_object(Bucket=BUCKET, Key=f"{RUN}/models/x/model.tar.gz")["Body"].read() == b"1"
    s3.put_object(Bucket=BUCKET, Key=f"{RUN}/capture/mlops-randhie/v1/a.jsonl", Body=b"5")

    denied(s3.get_object, "s3:GetObject", Bucket=BUCKET, Key=f"{RUN}/train/a.csv")
    denied(s3.put_object, "s3:PutObject", Bucket=BUCKET, Key=f"{RUN}/models/x/model.tar.gz", Body=b"")
    denied(system.endpoint("iam").list_users, "iam:ListUsers")


def test_only_sagemaker_becomes_the_roles_of_pipeline_jobs_and_endpoint(system):
    for role in (system.roles.pipeline, system.roles.jobs, system.roles.endpoint):
        asked = {"RoleArn": role, "RoleSessionName": "me"}
        denied(connect(system.cloud, "sts").assume_role, "sts:AssumeRole", **asked)
