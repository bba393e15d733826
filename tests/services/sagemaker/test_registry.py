"""Model package groups and model packages: versions, approval, policies, and models made of them."""

import json

import pytest
from access_steps import People
from botocore.exceptions import ClientError
from conftest import connect
from services.sagemaker.acted import ACCOUNT, REGION, ROLE, XGBOOST

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
CONTAINER = {"Image": XGBOOST, "ModelDataUrl": "s3://sagemaker-data/m.tar.gz", "Environment": {"A": "1", "B": "2"}}
SPECIFICATION = {
    "Containers": [CONTAINER],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


@pytest.fixture
def group(sagemaker):
    sagemaker.create_model_package_group(ModelPackageGroupName="Churn", ModelPackageGroupDescription="who leaves")
    return "Churn"


def version(sagemaker, group="Churn", **members):
    request = {"ModelPackageGroupName": group, "InferenceSpecification": SPECIFICATION} | members
    return sagemaker.create_model_package(**request)["ModelPackageArn"]


def refused(operation, **members):
    with pytest.raises(ClientError) as caught:
        operation(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_versions_count_up_and_a_number_is_never_given_twice(sagemaker, group):
    assert version(sagemaker) == f"{ARN}:model-package/churn/1"
    second = version(sagemaker)
    sagemaker.delete_model_package(ModelPackageName=second)

    assert version(sagemaker) == f"{ARN}:model-package/churn/3"
    code, message = refused(sagemaker.describe_model_package, ModelPackageName=second)
    assert code == "ValidationException" and message.startswith("Could not find model package")


def test_describe_shows_what_was_registered_by_whom(sagemaker, group):
    metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/s"}}, "Bias": {}}
    arn = version(
        sagemaker,
        ModelMetrics=metrics,
        DriftCheckBaselines={"Explainability": {}},
        MetadataProperties={"CommitId": "abc"},
        CustomerMetadataProperties={"team": "risk"},
        Domain="MACHINE_LEARNING",
        Task="CLASSIFICATION",
        SamplePayloadUrl="s3://b/p",
        SkipModelValidation="All",
    )

    found = sagemaker.describe_model_package(ModelPackageName=arn)

    assert found["ModelPackageGroupName"] == "Churn" and found["ModelPackageVersion"] == 1
    assert found["ModelPackageStatus"] == "Completed"
    assert found["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
    assert found["ModelApprovalStatus"] == "PendingManualApproval"
    assert found["InferenceSpecification"] == SPECIFICATION and found["ModelMetrics"] == metrics
    assert found["CustomerMetadataProperties"] == {"team": "risk"} and found["Task"] == "CLASSIFICATION"
    assert found["CreatedBy"]["IamIdentity"]["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/")


def test_the_same_client_token_makes_one_version(sagemaker, group):
    assert version(sagemaker, ClientToken="once") == version(sagemaker, ClientToken="once")
    assert version(sagemaker).endswith("/2")


def test_approval_is_recorded_with_who_and_when(cloud, clock, sagemaker, group):
    arn = version(sagemaker)
    clock.advance(hours=1)
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Rejected", ApprovalDescription="too few rows"
    )
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="better")

    found = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == ("Approved", "better")
    assert found["LastModifiedTime"] == clock.now() and "IamIdentity" in found["LastModifiedBy"]
    key = ("Churn/1", "model-package")
    with cloud.store.reading() as tx:
        (doc,) = tx.all(ACCOUNT, REGION, "sagemaker", key[1])
    assert [entry["status"] for entry in doc["_"]["history"]] == ["Rejected", "Approved"]


def test_update_adds_and_takes_away(sagemaker, group):
    arn = version(sagemaker, CustomerMetadataProperties={"a": "1", "b": "2"})
    compiled = {"Name": "neo", "Containers": [CONTAINER]}
    stage = {"Stage": "Development", "StageStatus": "InProgress"}

    sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"b": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
        AdditionalInferenceSpecificationsToAdd=[compiled],
        ModelLifeCycle=stage,
    )

    found = sagemaker.describe_model_package(ModelPackageName=arn)
    assert found["CustomerMetadataProperties"] == {"b": "3"} and found["ModelLifeCycle"] == stage
    assert found["AdditionalInferenceSpecifications"] == [compiled]
    _, message = refused(
        sagemaker.update_model_package, ModelPackageArn=arn, AdditionalInferenceSpecificationsToAdd=[compiled]
    )
    assert "unique" in message


def test_packages_without_a_group_have_a_name_and_no_approval(sagemaker):
    specified = {"ModelPackageName": "Single", "InferenceSpecification": SPECIFICATION}
    arn = sagemaker.create_model_package(**specified)["ModelPackageArn"]

    assert arn == f"{ARN}:model-package/single"
    found = sagemaker.describe_model_package(ModelPackageName="Single")
    assert found == sagemaker.describe_model_package(ModelPackageName=arn) | {
        "ResponseMetadata": found["ResponseMetadata"]
    }
    assert "ModelApprovalStatus" not in found
    assert "ModelPackage already exists" in refused(sagemaker.create_model_package, **specified)[1]
    _, message = refused(sagemaker.update_model_package, ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert "does not apply to unversioned" in message


def test_lists_filter_by_group_type_and_approval_in_pages(sagemaker, clock, group):
    sagemaker.create_model_package(ModelPackageName="Single", InferenceSpecification=SPECIFICATION)
    arns = []
    for _ in range(11):
        clock.advance(seconds=1)
        arns.append(version(sagemaker))
    sagemaker.update_model_package(ModelPackageArn=arns[4], ModelApprovalStatus="Approved")

    def listed(**members):
        pages = sagemaker.get_paginator("list_model_packages").paginate(**members, PaginationConfig={"PageSize": 4})
        return [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]

    assert listed(ModelPackageGroupName="Churn") == arns
    assert listed(ModelPackageGroupName=f"{ARN}:model-package-group/churn", SortOrder="Descending") == arns[::-1]
    assert listed(ModelPackageGroupName="Churn", ModelApprovalStatus="Approved") == [arns[4]]
    assert listed(ModelPackageGroupName="Churn", SortBy="Name") == arns
    assert listed() == [f"{ARN}:model-package/single"]
    assert len(listed(ModelPackageType="Both")) == 12


def test_many_are_described_at_once_and_what_is_missing_is_said(sagemaker, group):
    arn, lost = version(sagemaker), f"{ARN}:model-package/churn/9"

    answer = sagemaker.batch_describe_model_package(ModelPackageArnList=[arn, lost])

    assert answer["ModelPackageSummaries"][arn]["ModelPackageVersion"] == 1
    assert answer["BatchDescribeModelPackageErrorMap"][lost]["ErrorCode"] == "ValidationException"


def test_a_group_is_described_listed_and_deleted_only_when_it_is_empty(sagemaker, group):
    arn = version(sagemaker)
    found = sagemaker.describe_model_package_group(ModelPackageGroupName="Churn")
    assert found["ModelPackageGroupStatus"] == "Completed" and "IamIdentity" in found["CreatedBy"]
    listed = sagemaker.list_model_package_groups(NameContains="hur")["ModelPackageGroupSummaryList"]
    assert [each["ModelPackageGroupArn"] for each in listed] == [f"{ARN}:model-package-group/churn"]
    assert "already exists" in refused(sagemaker.create_model_package_group, ModelPackageGroupName="Churn")[1]

    assert refused(sagemaker.delete_model_package_group, ModelPackageGroupName="Churn")[0] == "ConflictException"
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName="Churn")
    assert "Could not find model package group" in refused(version, sagemaker=sagemaker)[1]


REFUSED = [
    {"SourceAlgorithmSpecification": {"SourceAlgorithms": [{"AlgorithmName": "a"}]}},
    {"CertifyForMarketplace": True},
    {"ManagedStorageType": "Restricted"},
]


def test_what_is_not_done_is_refused_by_name(sagemaker, group):
    for members in REFUSED:
        code, message = refused(version, sagemaker=sagemaker, **members)
        assert code == "ValidationException" and next(iter(members)) in message


def test_a_package_is_made_of_a_model_or_of_another_package(sagemaker, group):
    sagemaker.create_model(ModelName="Made", PrimaryContainer=CONTAINER, ExecutionRoleArn=ROLE)
    given = {"ModelPackageGroupName": "Churn"}
    of_model = sagemaker.create_model_package(**given, SourceUri=f"{ARN}:model/made")["ModelPackageArn"]
    cloned = sagemaker.create_model_package(**given, SourceUri=of_model)["ModelPackageArn"]

    assert of_model.endswith("/1") and cloned.endswith("/2")
    found = sagemaker.describe_model_package(ModelPackageName=cloned)
    assert found["InferenceSpecification"] == {"Containers": [CONTAINER]} and found["SourceUri"] == of_model
    both = given | {"SourceUri": of_model, "InferenceSpecification": SPECIFICATION}
    assert "one of them is enough" in refused(sagemaker.create_model_package, **both)[1]


def made(sagemaker, arn, **container):
    sagemaker.create_model(ModelName="m", PrimaryContainer={"ModelPackageName": arn} | container, ExecutionRoleArn=ROLE)
    return sagemaker.describe_model(ModelName="m")["PrimaryContainer"]


def test_only_an_approved_version_is_deployed(sagemaker, group):
    arn = version(sagemaker)
    code, message = refused(made, sagemaker=sagemaker, arn=arn)
    assert code == "ValidationException" and "is not approved" in message
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    assert "is not approved" in refused(made, sagemaker=sagemaker, arn=arn)[1]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    container = made(sagemaker, arn, Environment={"B": "mine"})

    assert container == CONTAINER | {"ModelPackageName": arn, "Environment": {"A": "1", "B": "mine"}}


def test_a_model_may_take_an_additional_specification_of_its_package(sagemaker, group):
    other = CONTAINER | {"ModelDataUrl": "s3://sagemaker-data/compiled.tar.gz"}
    more = [{"Name": "neo", "Containers": [other]}]
    arn = version(sagemaker, ModelApprovalStatus="Approved", AdditionalInferenceSpecifications=more)

    assert made(sagemaker, arn, InferenceSpecificationName="neo")["ModelDataUrl"] == other["ModelDataUrl"]
    assert "named x" in refused(made, sagemaker=sagemaker, arn=arn, InferenceSpecificationName="x")[1]


def test_a_groups_policy_lets_another_account_read_and_deploy_its_versions(cloud, sagemaker, group):
    arn = version(sagemaker, ModelApprovalStatus="Approved")
    people = People(cloud)
    people.allow("sagemaker:*", "iam:PassRole")
    key = people.iam.create_access_key(UserName="eve")["AccessKey"]
    eve = cloud.transport.client("sagemaker", REGION, key["AccessKeyId"], key["SecretAccessKey"], None)
    assert refused(eve.describe_model_package, ModelPackageName=arn)[0] in ("AccessDenied", "AccessDeniedException")

    actions = ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages", "sagemaker:CreateModel"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{People.account}:root"},
        "Action": actions,
        "Resource": f"{ARN}:model-package/churn/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sagemaker.put_model_package_group_policy(ModelPackageGroupName="Churn", ResourcePolicy=policy)

    assert sagemaker.get_model_package_group_policy(ModelPackageGroupName="Churn")["ResourcePolicy"] == policy
    assert eve.describe_model_package(ModelPackageName=arn)["ModelPackageVersion"] == 1
    listed = eve.list_model_packages(ModelPackageGroupName=f"{ARN}:model-package-group/churn")
    assert len(listed["ModelPackageSummaryList"]) == 1
    eve.create_model(ModelName="theirs", PrimaryContainer={"ModelPackageName": arn})
    denied = ("AccessDenied", "AccessDeniedException")
    assert refused(eve.update_model_package, ModelPackageArn=arn, ModelApprovalStatus="Rejected")[0] in denied

    sagemaker.delete_model_package_group_policy(ModelPackageGroupName="Churn")
    assert refused(eve.describe_model_package, ModelPackageName=arn)[0] in denied
    assert "does not exist" in refused(sagemaker.get_model_package_group_policy, ModelPackageGroupName="Churn")[1]
    malformed = {"ModelPackageGroupName": "Churn", "ResourcePolicy": "{}"}
    assert "Invalid resource policy" in refused(sagemaker.put_model_package_group_policy, **malformed)[1]


def test_who_may_approve_is_for_policies_to_say(cloud, sagemaker, group):
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html"""
    arn = version(sagemaker)
    iam = connect(cloud, "iam")
    iam.create_user(UserName="ann")
    may = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    never = {
        "Effect": "Deny",
        "Action": "sagemaker:UpdateModelPackage",
        "Resource": "*",
        "Condition": {"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [may, never]})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    ann = cloud.transport.client("sagemaker", REGION, key["AccessKeyId"], key["SecretAccessKey"], None)

    ann.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    with pytest.raises(ClientError, match="explicit deny"):
        ann.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
