"""SageMaker SDK v3: ModelBuilder takes a model from S3 and a script that serves it, deploys both and asks."""

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
from sagemaker.core.training.configs import SourceCode
from sagemaker.serve import ModelBuilder

NAMED = f"sdk3-built-{int(time.time())}"
weights = np.array([2.0, -1.0, 0.5])
session = Session()


def archive():
    """A model.tar.gz, put where the SDK keeps its files."""
    model, packed = io.BytesIO(), io.BytesIO()
    joblib.dump(weights, model)
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo("weights.joblib")
        entry.size = len(model.getvalue())
        tar.addfile(entry, io.BytesIO(model.getvalue()))
    boto3.client("s3").put_object(Bucket=session.default_bucket(), Key=f"{NAMED}/model.tar.gz", Body=packed.getvalue())
    return f"s3://{session.default_bucket()}/{NAMED}/model.tar.gz"


builder = ModelBuilder(
    image_uri=image_uris.retrieve("sklearn", session.boto_region_name, version="1.4-2"),
    s3_model_data_url=archive(),
    source_code=SourceCode(source_dir=str(Path(__file__).with_name("served")), entry_script="inference.py"),
    role_arn=get_execution_role(),
    sagemaker_session=session,
    instance_type="ml.m5.large",
)
model = builder.build(model_name=NAMED)
endpoint = builder.deploy(endpoint_name=NAMED, instance_type="ml.m5.large", initial_instance_count=1)

rows = np.random.default_rng(0).normal(size=(20, 3))
text = "\n".join(",".join(map(str, row)) for row in rows)
answer = endpoint.invoke(body=text, content_type="text/csv", accept="text/csv")
predicted = np.array(answer.body.read().decode().replace(",", "\n").split(), dtype=float)
error = float(np.abs(predicted - rows @ weights).max())
print(f"predictions={len(predicted)} error={error:.1e}")

endpoint.delete()
model.delete()
sys.exit(0 if error < 1e-6 else "the endpoint's answers are not the model's")
