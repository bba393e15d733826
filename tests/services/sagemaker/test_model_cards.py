"""Model cards: their versions, what they may say, who may read them, and their exports."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import connect

CARD = {
    "model_overview": {"model_id": "m-1", "model_name": "churn", "model_description": "who leaves", "model_version": 1},
    "intended_uses": {"risk_rating": "Low", "purpose_of_model": "to keep them"},
    "training_details": {"training_job_details": {"training_metrics": [{"name": "auc", "value": 0.9}]}},
    "evaluation_details": [
        {
            "name": "first",
            "metric_groups": [
                {"name": "g", "metric_data": [{"name": "loss", "type": "linear_graph", "value": [[0, 1.0], [1, 0.5]]}]}
            ],
        }
    ],
    "additional_information": {"custom_details": {"colour": "grün"}},
}


def created(sagemaker, name="Card", content=CARD, **members):
    return sagemaker.create_model_card(
        ModelCardName=name, Content=json.dumps(content), ModelCardStatus="Draft", **members
    )["ModelCardArn"]


def refused(operation, **members):
    with pytest.raises(ClientError) as caught:
        operation(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_each_content_is_a_version_and_a_status_is_not(sagemaker):
    arn = created(sagemaker)
    sagemaker.update_model_card(ModelCardName="Card", ModelCardStatus="PendingReview")
    sagemaker.update_model_card(ModelCardName=arn, Content=json.dumps({}))

    assert sagemaker.describe_model_card(ModelCardName="Card")["ModelCardVersion"] == 2
    first = sagemaker.describe_model_card(ModelCardName="Card", ModelCardVersion=1)
    assert json.loads(first["Content"]) == CARD and first["ModelCardStatus"] == "PendingReview"
    listed = sagemaker.list_model_card_versions(ModelCardName="Card")["ModelCardVersionSummaryList"]
    assert [each["ModelCardVersion"] for each in listed] == [2, 1]
    assert [each["ModelCardName"] for each in sagemaker.list_model_cards()["ModelCardSummaries"]] == ["Card"]
    assert refused(created, sagemaker=sagemaker)[0] == "ConflictException"
    assert refused(sagemaker.describe_model_card, ModelCardName="Card", ModelCardVersion=9)[0] == "ResourceNotFound"


def test_content_and_status_are_not_updated_together_nor_content_of_the_archived(sagemaker):
    created(sagemaker)
    both = {"ModelCardName": "Card", "Content": "{}", "ModelCardStatus": "Approved"}
    assert "in a single call" in refused(sagemaker.update_model_card, **both)[1]
    sagemaker.update_model_card(ModelCardName="Card", ModelCardStatus="Archived")
    assert refused(sagemaker.update_model_card, ModelCardName="Card", Content="{}")[1] == (
        "Model Card is in Archived state."
    )


STRANGE = [
    ("no json", "not valid JSON"),
    ('{"model_overview": {"colour": "red"}}', "#/model_overview"),
    ('{"intended_uses": {"risk_rating": "Huge"}}', "#/intended_uses/risk_rating"),
    ('{"evaluation_details": [{"datasets": []}]}', "#/evaluation_details/0"),
]


def test_content_that_does_not_follow_awss_schema_is_refused(sagemaker):
    for content, why in STRANGE:
        given = {"ModelCardName": "c", "Content": content, "ModelCardStatus": "Draft"}
        code, message = refused(sagemaker.create_model_card, **given)
        assert code == "ValidationException" and why in message


def test_a_card_under_a_key_is_read_by_who_may_use_the_key(cloud, sagemaker):
    kms = connect(cloud, "kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    created(sagemaker, SecurityConfig={"KmsKeyId": key})
    assert json.loads(sagemaker.describe_model_card(ModelCardName="Card")["Content"]) == CARD
    assert b"who leaves" not in b"".join(path.read_bytes() for path in cloud.root.glob("state.db*"))

    kms.disable_key(KeyId=key)

    assert "KMS" in refused(sagemaker.describe_model_card, ModelCardName="Card")[1]
    rest = sagemaker.describe_model_card(ModelCardName="Card", IncludedData="MetadataOnly")
    assert json.loads(rest["Content"]) == {
        "model_overview": {"model_id": "m-1", "model_name": "churn"},
        "intended_uses": {"risk_rating": "Low"},
    }


def test_an_export_is_a_pdf_in_s3(sagemaker, s3):
    created(sagemaker)
    arn = sagemaker.create_model_card_export_job(
        ModelCardName="Card", ModelCardExportJobName="Out", OutputConfig={"S3OutputPath": "s3://sagemaker-data/cards"}
    )["ModelCardExportJobArn"]

    found = sagemaker.describe_model_card_export_job(ModelCardExportJobArn=arn)
    assert found["Status"] == "Completed" and found["ModelCardVersion"] == 1
    bucket, _, key = found["ExportArtifacts"]["S3ExportArtifacts"].removeprefix("s3://").partition("/")
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert body.startswith(b"%PDF-") and body.rstrip().endswith(b"%%EOF")
    listed = sagemaker.list_model_card_export_jobs(ModelCardName="Card", StatusEquals="Completed")
    assert [each["ModelCardExportJobArn"] for each in listed["ModelCardExportJobSummaries"]] == [arn]


def test_an_export_that_cannot_be_written_fails_and_says_why(sagemaker):
    created(sagemaker)
    arn = sagemaker.create_model_card_export_job(
        ModelCardName="Card", ModelCardExportJobName="out", OutputConfig={"S3OutputPath": "s3://sagemaker-nowhere/x"}
    )["ModelCardExportJobArn"]
    found = sagemaker.describe_model_card_export_job(ModelCardExportJobArn=arn)
    assert found["Status"] == "Failed" and "NoSuchBucket" in found["FailureReason"]


def test_cards_are_found_by_their_model(sagemaker):
    created(sagemaker)
    created(sagemaker, "Other", {"model_overview": {"model_id": "m-2"}})

    def found(value):
        filters = [{"Name": "ModelId", "Operator": "Equals", "Value": value}]
        answer = sagemaker.search(Resource="ModelCard", SearchExpression={"Filters": filters})
        return [result["ModelCard"]["ModelCardName"] for result in answer["Results"]]

    assert found("m-1") == ["Card"]
    sagemaker.update_model_card(ModelCardName="Card", Content="{}")
    assert found("m-1") == [] and found("m-2") == ["Other"]


def test_a_deleted_card_is_gone_with_its_versions(sagemaker):
    created(sagemaker)
    sagemaker.delete_model_card(ModelCardName="Card")
    assert refused(sagemaker.describe_model_card, ModelCardName="Card")[0] == "ResourceNotFound"
    created(sagemaker)
    assert sagemaker.describe_model_card(ModelCardName="Card")["ModelCardVersion"] == 1


def test_a_packages_own_card_says_less(sagemaker):
    sagemaker.create_model_package_group(ModelPackageGroupName="g")
    given = {
        "ModelPackageGroupName": "g",
        "InferenceSpecification": {"Containers": [{"Image": "1.dkr.ecr.us-east-1.amazonaws.com/xgboost:1"}]},
    }
    card = {"ModelCardContent": json.dumps({"model_overview": {"model_creator": "ann"}}), "ModelCardStatus": "Draft"}
    arn = sagemaker.create_model_package(**given, ModelCard=card)["ModelPackageArn"]
    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelCard"] == card

    sagemaker.update_model_package(ModelPackageArn=arn, ModelCard={"ModelCardStatus": "Archived"})
    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelCard"]["ModelCardStatus"] == "Archived"
    update = {"ModelPackageArn": arn, "ModelCard": {"ModelCardContent": "{}"}}
    assert refused(sagemaker.update_model_package, **update)[1] == "Model Card is in Archived state."
    whole = {"ModelCardContent": json.dumps(CARD), "ModelCardStatus": "Draft"}
    assert "#/model_overview" in refused(sagemaker.create_model_package, **given, ModelCard=whole)[1]
