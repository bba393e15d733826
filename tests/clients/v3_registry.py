"""SageMaker SDK v3's resources: a group, its versions, their approval, a card."""

import json
import sys

import boto3
from sagemaker.core.resources import ModelCard, ModelPackage, ModelPackageGroup

group = ModelPackageGroup.create(model_package_group_name="Third", model_package_group_description="of v3")
client = boto3.client("sagemaker")  # ModelPackage.create() looks for a member that AWS's answer has not
for number in range(2):
    client.create_model_package(ModelPackageGroupName="Third", SourceUri=f"s3://somewhere/{number}.tar.gz")
packages = list(ModelPackage.get_all(model_package_group_name="Third"))
last = packages[-1]
last.update(model_approval_status="Approved", approval_description="good")
last.refresh()
card = ModelCard.create(
    model_card_name="third",
    content=json.dumps({"intended_uses": {"risk_rating": "Low"}}),
    model_card_status="Draft",
)
checks = {
    "group": group.model_package_group_status == "Completed",
    "versions": [package.model_package_arn.rpartition("/")[2] for package in packages] == ["1", "2"],
    "approved": (last.model_approval_status, last.approval_description) == ("Approved", "good"),
    "card": json.loads(card.content)["intended_uses"]["risk_rating"] == "Low",
}
print(" ".join(f"{name}={ok}" for name, ok in checks.items()))
sys.exit(0 if all(checks.values()) else "a check failed")
