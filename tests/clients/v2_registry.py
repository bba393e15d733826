"""SageMaker SDK v2: a trained model is registered, refused until it is approved, and deployed by its package."""

import sys
import tempfile
from pathlib import Path

import botocore.exceptions
import numpy as np
import sagemaker
from sagemaker.deserializers import JSONDeserializer
from sagemaker.model_card import IntendedUses, ModelCard, ModelOverview
from sagemaker.model_metrics import MetricsSource, ModelMetrics
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn import SKLearn

SOURCE = str(Path(__file__).with_name("source"))
session = sagemaker.Session()
client, role = session.sagemaker_client, sagemaker.get_execution_role(session)

random = np.random.default_rng(0)
x = random.normal(size=(200, 3))
y = (x @ [2.0, -1.0, 0.5] > 0).astype(int)
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="registry/train")

estimator = SKLearn(
    entry_point="train.py",
    source_dir=SOURCE,
    framework_version="1.2-1",
    role=role,
    instance_type="ml.m5.large",
    hyperparameters={"c": 10.0},
    sagemaker_session=session,
)
estimator.fit({"train": data})
package = estimator.register(
    content_types=["text/csv"],
    response_types=["application/json"],
    inference_instances=["ml.m5.large"],
    transform_instances=["ml.m5.large"],
    model_package_group_name="Leaving",
    approval_status="PendingManualApproval",
    description="who leaves",
    customer_metadata_properties={"team": "risk"},
    model_metrics=ModelMetrics(model_statistics=MetricsSource("application/json", f"{data}/statistics.json")),
    domain="MACHINE_LEARNING",
)
arn = package.model_package_arn
try:
    client.create_model(ModelName="early", PrimaryContainer={"ModelPackageName": arn}, ExecutionRoleArn=role)
    early = "deployed"  # package.deploy() would approve it first
except botocore.exceptions.ClientError as refused:
    early = refused.response["Error"]["Message"]
client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good")
package.deploy(1, "ml.m5.large", endpoint_name="leaving")
predictor = sagemaker.Predictor("leaving", session, serializer=CSVSerializer(), deserializer=JSONDeserializer())
right = float(np.mean((np.array(predictor.predict(x), dtype=float).ravel() > 0.5) == y))
predictor.delete_endpoint()

overview = ModelOverview(model_id=arn, model_name="leaving", model_artifact=[estimator.model_data])
card = ModelCard(
    name="leaving",
    model_overview=overview,
    intended_uses=IntendedUses(purpose_of_model="to keep them", risk_rating="Low"),
    sagemaker_session=session,
)
card.create()
loaded = ModelCard.load("leaving", sagemaker_session=session)
found = client.describe_model_package(ModelPackageName=arn)
(context,) = client.list_contexts(ContextType="Endpoint")["ContextSummaries"]
walked = client.query_lineage(
    StartArns=[context["ContextArn"]], Direction="Ascendants", Filters={"Types": ["TrainingJob"]}, IncludeEdges=False
)
checks = {
    "refused": "is not approved" in early,
    "approved": (found["ModelApprovalStatus"], found["ApprovalDescription"]) == ("Approved", "good"),
    "metadata": found["CustomerMetadataProperties"] == {"team": "risk"} and found["Domain"] == "MACHINE_LEARNING",
    "served": right > 0.95,
    "card": loaded.intended_uses.risk_rating == "Low",
    "walked": [vertex["Type"] for vertex in walked["Vertices"]] == ["TrainingJob"],
}
print(early, f"right={right:.3f}")
print(" ".join(f"{name}={ok}" for name, ok in checks.items()))
sys.exit(0 if all(checks.values()) else "a check failed")
