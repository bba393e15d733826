"""SageMaker SDK v3 writes a pipeline: process, train, evaluate, a condition on a property file, then a model registered
or a failure; with parameters, caching, retries, Join, JsonGet, and selective execution."""

import tempfile
import time
from pathlib import Path

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import StepExceptionTypeEnum, StepRetryPolicy
from sagemaker.mlops.workflow.selective_execution_config import SelectiveExecutionConfig
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

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
role = get_execution_role()
bucket, name = session.default_bucket(), f"sdk3-{int(time.time())}"
image = image_uris.retrieve("sklearn", session.boto_region_name, version="1.4-2")
folder = Path(tempfile.mkdtemp())
for script, text in {"prepare.py": PREPARE, "evaluate.py": EVALUATE}.items():
    (folder / script).write_text(text)

threshold = ParameterFloat("Threshold", default_value=0.7)
status = ParameterString("Status", default_value="PendingManualApproval")
cache = CacheConfig(enable_caching=True, expire_after="P1D")
retries = [StepRetryPolicy(exception_types=[StepExceptionTypeEnum.THROTTLING], max_attempts=2)]


def output(output, path):
    uri = Join(on="/", values=["s3:/", bucket, name, ExecutionVariables.PIPELINE_EXECUTION_ID, output])
    target = ProcessingS3Output(s3_uri=uri, local_path=path, s3_upload_mode="EndOfJob")
    return ProcessingOutput(output_name=output, s3_output=target)


processor = ScriptProcessor(
    image_uri=image, command=["python3"], instance_type="ml.m5.large", instance_count=1, role=role,
    sagemaker_session=session,
)  # fmt: skip
prepare = ProcessingStep(
    name="Prepare",
    step_args=processor.run(code=str(folder / "prepare.py"), outputs=[output("train", "/opt/ml/processing/train")]),
    cache_config=cache,
    retry_policies=retries,
)
trainer = ModelTrainer(
    sagemaker_session=session,
    role=role,
    base_job_name="sdk3",
    training_image=image,
    source_code=SourceCode(source_dir=str(HERE / "source"), entry_script="train.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    hyperparameters={"c": 10.0},
)
data = prepare.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
train = TrainingStep(
    name="Train",
    step_args=trainer.train(input_data_config=[InputData(channel_name="train", data_source=data)]),
    cache_config=cache,
)
report = PropertyFile(name="Report", output_name="evaluation", path="evaluation.json")
model_data = train.properties.ModelArtifacts.S3ModelArtifacts
source = ProcessingS3Input(
    s3_uri=model_data, local_path="/opt/ml/processing/model", s3_data_type="S3Prefix", s3_input_mode="File"
)
evaluate = ProcessingStep(
    name="Evaluate",
    step_args=processor.run(
        code=str(folder / "evaluate.py"),
        inputs=[ProcessingInput(input_name="model", s3_input=source)],
        outputs=[output("evaluation", "/opt/ml/processing/evaluation")],
    ),
    property_files=[report],
)
builder = ModelBuilder(image_uri=image, s3_model_data_url=model_data, role_arn=role, sagemaker_session=session)
register = ModelStep(
    name="Register",
    step_args=builder.register(
        content_types=["text/csv"], response_types=["text/csv"], inference_instances=["ml.m5.large"],
        transform_instances=["ml.m5.large"], model_package_group_name=name, approval_status=status,
    ),
)  # fmt: skip
accuracy = JsonGet(step_name=evaluate.name, property_file=report, json_path="metrics.accuracy.value")
good = ConditionStep(
    name="Good",
    conditions=[ConditionGreaterThanOrEqualTo(left=accuracy, right=threshold)],
    if_steps=[register],
    else_steps=[FailStep(name="Worse", error_message=Join(on=" ", values=["accuracy below", threshold]))],
)
pipeline = Pipeline(
    name=name, parameters=[threshold, status], steps=[prepare, train, evaluate, good], sagemaker_session=session
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
assert {"Prepare", "Train", "Evaluate", "Good"} <= set(steps), set(steps)
values = {each["Name"]: each["Value"] for each in first.list_parameters()["PipelineParameters"]}
assert values == {"Threshold": "0.8", "Status": "Approved"}
client = boto3.client("sagemaker")
package = next(
    step["Metadata"]["RegisterModel"]["Arn"] for step in steps.values() if "RegisterModel" in step["Metadata"]
)
assert client.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"] == "Approved"
assert pipeline.latest_pipeline_version_id >= 1

second = finished(pipeline.start(parameters={"Threshold": 0.95}), "Failed")
for step in ("Prepare", "Train"):
    assert second[step]["CacheHitResult"]["SourcePipelineExecutionArn"] == first.arn
assert second["Worse"]["FailureReason"] == "accuracy below 0.95"

chosen = SelectiveExecutionConfig(selected_steps=["Evaluate"])  # on what the latest execution left
third = finished(pipeline.start(selective_execution_config=chosen), "Succeeded")
assert set(third) == {"Prepare", "Train", "Evaluate"}
assert third["Train"]["SelectiveExecutionResult"]
pipeline.delete()
print(f"pipeline={name} done")
