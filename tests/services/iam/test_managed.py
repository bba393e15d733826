"""AWS's own policies, by https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import connect

from skylab.services.iam.aws import aws_policies
from skylab.services.iam.documents import check_identity

FULL = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"


@pytest.fixture
def iam(cloud):
    return connect(cloud, "iam")


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("name", aws_policies())
def test_every_one_of_them_is_a_policy(name):
    doc = aws_policies()[name]
    (version,) = doc["_"]["versions"]
    check_identity(version["Document"])
    assert version["VersionId"] == doc["DefaultVersionId"]
    assert doc["Path"] in ("/", "/service-role/", "/aws-service-role/", "/job-function/")
    assert doc["CreateDate"] <= doc["UpdateDate"]


def test_a_policy_of_aws_shows_its_document(iam):
    policy = iam.get_policy(PolicyArn=FULL)["Policy"]
    assert (policy["PolicyName"], policy["DefaultVersionId"], policy["AttachmentCount"]) == (
        "AmazonSageMakerFullAccess",
        "v29",
        1,  # the execution role
    )
    version = iam.get_policy_version(PolicyArn=FULL, VersionId="v29")["PolicyVersion"]
    first = version["Document"]["Statement"][0]
    assert "sagemaker:*" in first["Action"] and version["IsDefaultVersion"]
    passed = [s for s in version["Document"]["Statement"] if "iam:PassRole" in s["Action"]]
    assert {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}.items() <= passed[-1][
        "Condition"
    ].items()
    assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=FULL)["Versions"]] == ["v29"]
    assert refused(iam.get_policy_version, PolicyArn=FULL, VersionId="v1") == "NoSuchEntity"


def test_a_policy_is_found_under_its_own_path_only(iam):
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Path"] == "/service-role/"
    for other in ("AWSLambdaBasicExecutionRole", "NoSuchAccess", "service-role/AdministratorAccess"):
        assert refused(iam.get_policy, PolicyArn=f"arn:aws:iam::aws:policy/{other}") == "NoSuchEntity"


def test_policies_are_listed_by_scope(iam):
    own = iam.create_policy(PolicyName="B", PolicyDocument=json.dumps({"Statement": [statement()]}))["Policy"]["Arn"]

    def listed(**request):
        pages = iam.get_paginator("list_policies").paginate(**request, PaginationConfig={"PageSize": 30})
        return [policy["Arn"] for page in pages for policy in page["Policies"]]

    assert listed(Scope="Local") == [own]
    assert set(listed(Scope="AWS")) == {doc["Arn"] for doc in aws_policies().values()}
    assert set(listed()) == {own, *listed(Scope="AWS")} and len(listed()) == len(aws_policies()) + 1
    assert listed(Scope="AWS", PathPrefix="/job-function/") == [
        "arn:aws:iam::aws:policy/job-function/DataScientist",
        "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
    ]
    assert FULL in listed(OnlyAttached=True) and own not in listed(OnlyAttached=True)


def test_a_policy_of_aws_is_changed_by_nobody_and_attached_by_anybody(iam):
    document = json.dumps({"Statement": [statement()]})
    assert refused(iam.create_policy_version, PolicyArn=FULL, PolicyDocument=document) == "AccessDenied"
    assert refused(iam.delete_policy, PolicyArn=FULL) == "AccessDenied"
    assert refused(iam.tag_policy, PolicyArn=FULL, Tags=[{"Key": "a", "Value": "b"}]) == "AccessDenied"
    iam.create_user(UserName="ann")
    iam.attach_user_policy(UserName="ann", PolicyArn=FULL)
    assert iam.list_entities_for_policy(PolicyArn=FULL)["PolicyUsers"][0]["UserName"] == "ann"


def test_a_service_roles_policy_is_for_service_linked_roles_only(iam):
    arn = "arn:aws:iam::aws:policy/aws-service-role/AmazonSageMakerNotebooksServiceRolePolicy"
    iam.create_user(UserName="ann")
    assert refused(iam.attach_user_policy, UserName="ann", PolicyArn=arn) == "PolicyNotAttachable"


def statement():
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
