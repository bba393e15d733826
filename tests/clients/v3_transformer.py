"""SageMaker SDK v3: Transformer on a model of the user's own code, with JSON lines and their answers beside them."""

import json
import logging
import tarfile
import tempfile
import time
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import Model
from sagemaker.core.s3 import S3Downloader
from sagemaker.core.shapes import ContainerDefinition
from sagemaker.core.transformer import Transformer

CODE = """
import json

def model_fn(folder):
    return 2

def input_fn(body, content_type):
    return [json.loads(line) for line in body.splitlines()]

def predict_fn(rows, factor):
    print(f"rows={len(rows)}", flush=True)
    return [factor * row for row in rows]

def output_fn(answers, accept):
    return "\\n".join(map(json.dumps, answers))
"""

logging.basicConfig(level=logging.INFO)  # the SDK leaves what is seen of it, a job's log too, to the program
session = Session()
image = image_uris.retrieve("sklearn", session.boto_region_name, version="1.4-2")
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "inference.py").write_text(CODE)
    with tarfile.open(f"{folder}/model.tar.gz", "w:gz") as archive:
        archive.add(f"{folder}/inference.py", "code/inference.py")
    data = session.upload_data(f"{folder}/model.tar.gz", key_prefix="sdk3/transform/model")
    Path(folder, "rows.jsonl").write_text("".join(json.dumps({"id": n, "x": n * 10}) + "\n" for n in range(100)))
    asked = session.upload_data(f"{folder}/rows.jsonl", key_prefix="sdk3/transform/asked")

name = f"transform-{int(time.time())}"
served = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
container = ContainerDefinition(image=image, model_data_url=data, environment=served)
Model.create(model_name=name, primary_container=container, execution_role_arn=get_execution_role())
transformer = Transformer(
    model_name=name,
    instance_count=1,
    instance_type="ml.m5.large",
    strategy="MultiRecord",
    assemble_with="Line",
    output_path=f"s3://{session.default_bucket()}/sdk3/transform/answers",
    sagemaker_session=session,
)
transformer.transform(
    asked,
    content_type="application/jsonlines",
    split_type="Line",
    input_filter="$.x",
    join_source="Input",
    output_filter="$['id','SageMakerOutput']",
)
text = S3Downloader.read_file(f"{transformer.output_path}/rows.jsonl.out", sagemaker_session=session)
rows = [json.loads(line) for line in text.splitlines()]
right = sum(row == {"id": n, "SageMakerOutput": n * 20} for n, row in enumerate(rows))
print(f"answers={len(rows)} right={right}")
