"""What services may do in their own name, in that of a role, and in that of who calls them."""

import asyncio

import pytest
from botocore.exceptions import ClientError
from gateway.person import ACCOUNT, IMAGE, ROLE, allow, client, denied, policy, when

from skylab.gateway import identity
from skylab.kernel import credentials
from skylab.wire.http import HttpRequest


def test_a_model_of_data_needs_a_role_that_sagemaker_may_assume(ann):
    trust = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    arn = ann.iam.create_role(RoleName="Other", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sagemaker = ann.may(allow("sagemaker:*"), allow("iam:PassRole")).client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://box/model.tar.gz"}
    with pytest.raises(ClientError, match="Could not access model data .* trust relationship"):
        sagemaker.create_model(ModelName="m", ExecutionRoleArn=arn, PrimaryContainer=container)
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=container)


def test_a_service_assumes_only_a_role_that_trusts_it(ann):
    trust = policy({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    ann.iam.create_role(RoleName="Other", AssumeRolePolicyDocument=trust)
    arn = f"arn:aws:iam::{ACCOUNT}:role/Other"
    for role in (arn, f"{arn}There"):
        with pytest.raises(Exception, match="sagemaker.amazonaws.com is not authorized to perform: sts:AssumeRole on"):
            ann.cloud.assume("s3", "us-east-1", role, "job")
    assert ann.cloud.assume("sts", "us-east-1", arn, "job", "lambda.amazonaws.com").get_caller_identity()


def test_a_call_in_the_callers_name_says_through_which_service(ann, monkeypatch):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html"""
    seen = []
    monkeypatch.setattr(ann.cloud.gateway.authorisation, "authorise", lambda call, *_: seen.append(call.principal.via))
    known = credentials_of(ann.cloud, ann.key)
    service = next(service for service in ann.cloud.services if service.name == "s3")
    call = ann.cloud.gateway.call(service, "us-east-1", identity.principal(known), None, "R")
    call.client("iam").list_users()
    ann.client("iam").list_users()
    assert seen == [("s3.amazonaws.com",), ()]


def credentials_of(cloud, key):
    with cloud.store.reading() as tx:
        return credentials.find(tx, key["AccessKeyId"])


def test_nothing_in_a_request_can_say_that_it_comes_from_a_service(ann):
    through = when("Bool", "aws:ViaAWSService", "true")
    s3 = ann.may(allow("s3:ListBucket", **through)).client("s3")

    def claim(request, **_):
        for name in ("via", "x-amz-via", "x-amz-source-arn", "x-amz-called-via", "x-skylab-origin"):
            request.headers[name] = "sagemaker.amazonaws.com"

    s3.meta.events.register("before-sign.s3.*", claim)
    denied(s3.list_objects_v2, Bucket="box")


def test_a_service_in_its_own_name_has_no_policies_of_its_own(cloud):
    trail = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/t"
    s3 = cloud.world.as_service("cloudtrail.amazonaws.com", trail)("s3", "us-east-1")
    bucket = f"sagemaker-us-east-1-{ACCOUNT}"
    assert "no resource-based policy allows" in denied(s3.put_object, Bucket=bucket, Key="k", Body=b"")


def test_the_credentials_of_a_job_end_with_its_role_or_the_roles_trust(cloud):
    iam, now = client(cloud, "iam", cloud.account.credentials()), cloud.clock.now()
    trusted = policy(
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    )
    arn = iam.create_role(RoleName="Job", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    with cloud.store.writing() as tx:
        tx.start("training", cloud.account.key, now, "task", role=arn, token="secret")

    def status():
        request = HttpRequest("GET", "/_skylab/credentials/task", "", {"authorization": "secret"})
        return asyncio.run_coroutine_threadsafe(cloud.gateway.handle(request), cloud.loop).result().status

    assert status() == 200
    iam.update_assume_role_policy(RoleName="Job", PolicyDocument=trusted.replace("sagemaker", "lambda"))
    assert status() == 403
    iam.delete_role(RoleName="Job")
    assert status() == 403
