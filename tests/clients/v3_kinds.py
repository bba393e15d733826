"""SageMaker SDK v3: ModelBuilder deploys with a serverless, an asynchronous and a resource configuration."""

import io
import sys
import tarfile
import time
from pathlib import Path

import boto3
import joblib
import numpy as np
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.inference_config import AsyncInferenceConfig, ResourceRequirements, ServerlessInferenceConfig
from sagemaker.core.resources import InferenceComponent
from sagemaker.core.training.configs import SourceCode
from sagemaker.serve import ModelBuilder

NAMED = f"sdk3-kinds-{int(time.time())}"
weights = np.array([2.0, -1.0, 0.5])
rows = np.array([[1.0, 2.0, 4.0], [0.0, 1.0, 0.0]])
text = "\n".join(",".join(map(str, row)) for row in rows)
session = Session()
bucket, s3 = session.default_bucket(), boto3.client("s3")


def archive():
    """A model.tar.gz, put where the SDK keeps its files."""
    model, packed = io.BytesIO(), io.BytesIO()
    joblib.dump(weights, model)
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo("weights.joblib")
        entry.size = len(model.getvalue())
        tar.addfile(entry, io.BytesIO(model.getvalue()))
    s3.put_object(Bucket=bucket, Key=f"{NAMED}/model.tar.gz", Body=packed.getvalue())
    return f"s3://{bucket}/{NAMED}/model.tar.gz"


def deployed(name, inference_config, **more):
    builder = ModelBuilder(
        image_uri=image_uris.retrieve("sklearn", session.boto_region_name, version="1.4-2"),
        s3_model_data_url=archive(),
        source_code=SourceCode(source_dir=str(Path(__file__).with_name("served")), entry_script="inference.py"),
        role_arn=get_execution_role(),
        sagemaker_session=session,
        instance_type="ml.m5.large",
    )
    builder.build(model_name=f"{NAMED}-{name}")
    return builder.deploy(endpoint_name=f"{NAMED}-{name}", inference_config=inference_config, **more)


def right(said):
    predicted = np.array(said.replace(",", "\n").split(), dtype=float)
    return bool(np.abs(predicted - rows @ weights).max() < 1e-6)


speaking = {"content_type": "text/csv", "accept": "text/csv"}
endpoint = deployed("less", ServerlessInferenceConfig(memory_size_in_mb=2048, max_concurrency=2))
print(f"serverless={right(endpoint.invoke(body=text, **speaking).body.read().decode())}")
endpoint.delete()

output = f"s3://{bucket}/{NAMED}/out"
config = AsyncInferenceConfig(output_path=output, failure_path=f"s3://{bucket}/{NAMED}/bad")
endpoint = deployed("later", config, instance_type="ml.m5.large", initial_instance_count=1)
s3.put_object(Bucket=bucket, Key=f"{NAMED}/in.csv", Body=text.encode())
accepted = endpoint.invoke_async(input_location=f"s3://{bucket}/{NAMED}/in.csv", **speaking)
key = accepted.output_location.partition(f"{bucket}/")[2]
s3.get_waiter("object_exists").wait(Bucket=bucket, Key=key, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
print(f"async={right(s3.get_object(Bucket=bucket, Key=key)['Body'].read().decode())}")
endpoint.delete()

needs = ResourceRequirements(requests={"num_cpus": 1, "memory": 1024, "copies": 2})
endpoint = deployed(
    "guest", needs, instance_type="ml.m5.large", initial_instance_count=1, inference_component_name=f"{NAMED}-component"
)
component = InferenceComponent.get(inference_component_name=f"{NAMED}-component")
component.wait_for_status("InService")
said = endpoint.invoke(body=text, inference_component_name=f"{NAMED}-component", **speaking).body.read().decode()
print(f"component={right(said)} copies={component.runtime_config.current_copy_count}")
component.delete()
while boto3.client("sagemaker").list_inference_components(NameContains=NAMED)["InferenceComponents"]:
    time.sleep(0.2)
endpoint.delete()
sys.exit(0)
