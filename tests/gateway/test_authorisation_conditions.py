"""Conditions of policies decide by the request and its resource as they are."""

import pytest
from gateway.person import ACCOUNT, allow, client, denied, model, when


@pytest.mark.parametrize(
    "statement, holds",
    [
        (when("StringEquals", "aws:username", "ann"), True),
        (when("StringEquals", "aws:username", "bob"), False),
        (when("ArnEquals", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:user/ann"), True),
        (when("StringEquals", "aws:PrincipalType", "User"), True),
        (when("StringEquals", "aws:PrincipalTag/team", "yellow"), True),
        (when("StringEquals", "aws:PrincipalTag/TEAM", "yellow"), True),
        (when("StringEquals", "aws:PrincipalTag/team", "red"), False),
        (when("IpAddress", "aws:SourceIp", "127.0.0.0/8"), True),
        (when("NotIpAddress", "aws:SourceIp", "127.0.0.0/8"), False),
        (when("Bool", "aws:SecureTransport", "false"), True),
        (when("Bool", "aws:MultiFactorAuthPresent", "false"), False),  # absent for long-term keys
        (when("BoolIfExists", "aws:MultiFactorAuthPresent", "true"), True),
        (when("Null", "aws:TokenIssueTime", "true"), True),
        (when("Bool", "aws:ViaAWSService", "false"), True),
        (when("StringEquals", "aws:RequestedRegion", "us-east-1"), True),
        (when("StringEquals", "aws:ResourceAccount", ACCOUNT), True),
        (when("StringEquals", "s3:prefix", "home/ann/"), True),
        (when("StringEquals", "s3:prefix", "home/bob/"), False),
        (when("StringEquals", "s3:signatureversion", "AWS4-HMAC-SHA256"), True),
        (when("StringLike", "s3:prefix", "home/${aws:username}/*"), True),
        (when("DateGreaterThan", "aws:CurrentTime", "2001-01-01T00:00:00Z"), True),
        (when("StringLike", "aws:UserAgent", "Botocore/*"), True),
    ],
)
def test_conditions_see_the_request_as_it_is(ann, statement, holds):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    ann.iam.tag_user(UserName="ann", Tags=[{"Key": "team", "Value": "yellow"}])
    s3 = ann.may(allow("s3:ListBucket", **statement)).client("s3")
    listing = {"Bucket": "box", "Prefix": "home/ann/"}
    if holds:
        s3.list_objects_v2(**listing)
    else:
        denied(s3.list_objects_v2, **listing)


def test_tags_of_the_request_and_of_the_resource_decide(ann):
    own = when("StringEquals", "aws:RequestTag/team", "yellow")
    only = when("ForAllValues:StringEquals", "aws:TagKeys", ["team"])
    kept = when("StringEquals", "aws:ResourceTag/team", "yellow")
    ann.may(
        allow("iam:PassRole"),
        allow("sagemaker:CreateModel", **own),
        allow("sagemaker:AddTags", **only),
        allow("sagemaker:DeleteModel", **kept),
    )
    sagemaker, tag = ann.client("sagemaker"), {"Key": "team", "Value": "yellow"}
    denied(sagemaker.create_model, **model())
    denied(sagemaker.create_model, **model(Tags=[tag, {"Key": "more", "Value": ""}]))
    sagemaker.create_model(**model(Tags=[tag]))
    sagemaker.delete_model(ModelName="m")
    client(ann.cloud, "sagemaker", ann.cloud.account.credentials()).create_model(**model())
    denied(sagemaker.delete_model, ModelName="m")


def test_the_size_of_instances_can_be_limited(ann):
    limit = when("ForAllValues:StringLike", "sagemaker:InstanceTypes", ["ml.m5.*"])
    ann.may(allow(["sagemaker:CreateModel", "iam:PassRole"]), allow("sagemaker:CreateEndpointConfig", **limit))
    sagemaker = ann.client("sagemaker")
    sagemaker.create_model(**model())
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1}
    config = {"EndpointConfigName": "c", "ProductionVariants": [variant | {"InstanceType": "ml.p4d.24xlarge"}]}
    denied(sagemaker.create_endpoint_config, **config)
    config["ProductionVariants"][0]["InstanceType"] = "ml.m5.large"
    sagemaker.create_endpoint_config(**config)
