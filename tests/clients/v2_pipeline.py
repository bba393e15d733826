"""SageMaker SDK v2 writes a pipeline: process, train, evaluate, a condition on a property file, then a model made and
registered or a failure; with parameters, caching, retries, Join, JsonGet, and selective execution."""

import shutil
import tempfile
import time
from pathlib import Path

import boto3
import sagemaker
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.sklearn.estimator import SKLearn
from sagemaker.sklearn.model import SKLearnModel
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo, ConditionIn, ConditionNot, ConditionOr
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.workflow.selective_execution_config import SelectiveExecutionConfig
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep

HERE = Path(__file__).parent
PREPARE = """
import csv, os, random
rows = [[random.gauss(0, 1) for _ in range(3)] for _ in range(300)]
os.makedirs("/opt/ml/processing/train", exist_ok=True)
with open("/opt/ml/processing/train/train.csv", "w") as file:
    csv.writer(file).writerows([[int(2 * a - b + c / 2 > 0), a, b, c] for a, b, c in rows])
"""
EVALUATE = """
import json, os
assert os.path.exists("/opt/ml/processing/model/model.tar.gz")
os.makedirs("/opt/ml/processing/evaluation", exist_ok=True)
with open("/opt/ml/processing/evaluation/evaluation.json", "w") as file:
    json.dump({"metrics": {"accuracy": {"value": 0.9}}}, file)
"""

session = PipelineSession()
role = sagemaker.get_execution_role()
bucket, name = session.default_bucket(), f"sdk2-{int(time.time())}"
folder = Path(tempfile.mkdtemp())
for script, text in {"prepare.py": PREPARE, "evaluate.py": EVALUATE}.items():
    (folder / script).write_text(text)

threshold = ParameterFloat("Threshold", default_value=0.7)
count = ParameterInteger("Count", default_value=1)
status = ParameterString(
    "Status", default_value="PendingManualApproval", enum_values=["Approved", "PendingManualApproval"]
)
cache = CacheConfig(enable_caching=True, expire_after="P1D")
retries = [
    StepRetryPolicy(exception_types=[StepExceptionTypeEnum.SERVICE_FAULT], expire_after_mins=5, interval_seconds=1),
    SageMakerJobStepRetryPolicy(
        exception_types=[SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT],
        failure_reason_types=[SageMakerJobExceptionTypeEnum.INTERNAL_ERROR],
        max_attempts=2,
    ),
]

processor = SKLearnProcessor(
    framework_version="1.2-1", role=role, instance_type="ml.m5.large", instance_count=count,
    base_job_name="prepare", sagemaker_session=session,
)  # fmt: skip
prepare = ProcessingStep(
    name="Prepare",
    step_args=processor.run(
        code=str(folder / "prepare.py"),
        outputs=[ProcessingOutput(output_name="train", source="/opt/ml/processing/train")],
    ),
    cache_config=cache,
    retry_policies=retries,
)
estimator = SKLearn(
    entry_point="train.py", source_dir=str(HERE / "source"), framework_version="1.2-1", role=role,
    instance_type="ml.m5.large", hyperparameters={"c": 10.0}, sagemaker_session=session,
)  # fmt: skip
data = prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
train = TrainingStep(
    name="Train", step_args=estimator.fit({"train": TrainingInput(data, content_type="text/csv")}), cache_config=cache
)
report = PropertyFile(name="Report", output_name="evaluation", path="evaluation.json")
evaluate = ProcessingStep(
    name="Evaluate",
    step_args=processor.run(
        code=str(folder / "evaluate.py"),
        inputs=[
            ProcessingInput(
                source=train.properties.ModelArtifacts.S3ModelArtifacts, destination="/opt/ml/processing/model"
            )
        ],
        outputs=[
            ProcessingOutput(
                output_name="evaluation",
                source="/opt/ml/processing/evaluation",
                destination=Join(
                    on="/", values=["s3:/", bucket, name, ExecutionVariables.PIPELINE_EXECUTION_ID, "report"]
                ),
            )
        ],
    ),
    property_files=[report],
)
model = SKLearnModel(
    model_data=train.properties.ModelArtifacts.S3ModelArtifacts, role=role, framework_version="1.2-1",
    entry_point=str(HERE / "served/inference.py"), sagemaker_session=session,
)  # fmt: skip
create = ModelStep(name="Create", step_args=model.create(instance_type="ml.m5.large"))
packed = Model(
    image_uri=estimator.training_image_uri(), model_data=train.properties.ModelArtifacts.S3ModelArtifacts, role=role,
    entry_point="inference.py", source_dir=str(shutil.copytree(HERE / "served", folder / "served")),
    sagemaker_session=session,
)  # fmt: skip
register = ModelStep(
    name="Register",
    step_args=packed.register(
        content_types=["text/csv"], response_types=["text/csv"], inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"], model_package_group_name=name, approval_status=status,
    ),
)  # fmt: skip
accuracy = JsonGet(step_name=evaluate.name, property_file=report, json_path="metrics.accuracy.value")
fail = FailStep(name="Worse", error_message=Join(on=" ", values=["accuracy below", threshold]))
good = ConditionStep(
    name="Good",
    conditions=[
        ConditionGreaterThanOrEqualTo(left=accuracy, right=threshold),
        ConditionOr([ConditionNot(ConditionIn(status, ["Rejected"])), ConditionIn(status, ["Approved"])]),
    ],
    if_steps=[create, register],
    else_steps=[fail],
)
pipeline = Pipeline(
    name=name, parameters=[threshold, count, status], steps=[prepare, train, evaluate, good], sagemaker_session=session
)
pipeline.upsert(role_arn=role, tags=[{"Key": "team", "Value": "a"}])
pipeline.upsert(role_arn=role, description="again", tags=[{"Key": "team", "Value": "b"}])


def finished(execution, expected):
    while (found := execution.describe()["PipelineExecutionStatus"]) == "Executing":
        time.sleep(0.5)
    steps = {step["StepName"]: step for step in execution.list_steps()}
    for step in steps.values():
        print(step["StepName"], step["StepStatus"], step.get("FailureReason", ""))
    assert found == expected, found
    return steps


first = pipeline.start(parameters={"Status": "Approved", "Threshold": 0.8}, execution_display_name="first")
first.wait(delay=2, max_attempts=100)
steps = finished(first, "Succeeded")
assert {"Prepare", "Train", "Evaluate", "Good", "Create-CreateModel", "Register-RegisterModel"} <= set(steps), set(
    steps
)
assert any("RepackModel" in step for step in steps)
values = {each["Name"]: each["Value"] for each in first.list_parameters()["PipelineParameters"]}
assert values == {"Threshold": "0.8", "Count": "1", "Status": "Approved"}
client = boto3.client("sagemaker")
package = steps["Register-RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
assert client.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"] == "Approved"

second = finished(pipeline.start(parameters={"Threshold": 0.95}), "Failed")
for step in ("Prepare", "Train"):
    assert second[step]["CacheHitResult"]["SourcePipelineExecutionArn"] == first.arn
assert second["Worse"]["FailureReason"] == "accuracy below 0.95"

chosen = SelectiveExecutionConfig(selected_steps=["Evaluate"], source_pipeline_execution_arn=first.arn)
third = finished(pipeline.start(selective_execution_config=chosen), "Succeeded")
assert set(third) == {"Prepare", "Train", "Evaluate"}
assert third["Train"]["SelectiveExecutionResult"]["SourcePipelineExecutionArn"] == first.arn
pipeline.delete()
print(f"pipeline={name} done")
