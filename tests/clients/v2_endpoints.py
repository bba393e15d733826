"""SageMaker SDK v2: two production variants that capture, read back with the SDK's own tools, and an update."""

import io
import json
import sys
import tarfile
import time

import boto3
import sagemaker
from sagemaker.deserializers import StringDeserializer
from sagemaker.model_monitor import DataCaptureConfig
from sagemaker.predictor import Predictor
from sagemaker.s3 import S3Downloader
from sagemaker.serializers import CSVSerializer
from sagemaker.session import production_variant
from sagemaker.sklearn import SKLearnModel

CODE = """
def model_fn(folder):
    return open(folder + "/name").read()

def transform_fn(model, body, content_type, accept):
    return model, "text/csv"
"""
NAMED = f"sdk2-variants-{int(time.time())}"
session = sagemaker.Session()
role = sagemaker.get_execution_role(session)
bucket = session.default_bucket()


def model(name):
    """A SageMaker model whose answer is its name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, text in {"name": name, "code/inference.py": CODE}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{NAMED}/{name}.tar.gz", Body=packed.getvalue())
    made = SKLearnModel(
        model_data=f"s3://{bucket}/{NAMED}/{name}.tar.gz",
        role=role,
        entry_point=None,
        framework_version="1.2-1",
        sagemaker_session=session,
        name=f"{NAMED}-{name}",
    )
    definition = {
        "Image": made.serving_image_uri(session.boto_region_name, "ml.m5.large"),
        "ModelDataUrl": made.model_data,
    }
    session.create_model(made.name, role, definition)
    return made.name


first, second, third = model("first"), model("second"), model("third")
capture = DataCaptureConfig(
    enable_capture=True, sampling_percentage=100, destination_s3_uri=f"s3://{bucket}/{NAMED}/captured"
)
session.endpoint_from_production_variants(
    name=NAMED,
    production_variants=[
        production_variant(first, "ml.m5.large", 1, "A", 3),
        production_variant(second, "ml.m5.large", 1, "B", 1),
    ],
    data_capture_config_dict=capture._to_request_dict(),
)
predictor = Predictor(NAMED, session, serializer=CSVSerializer(), deserializer=StringDeserializer())
answers = [predictor.predict([1, 2], inference_id=str(n)) for n in range(8)]
shares = answers.count("first"), answers.count("second")
named = predictor.predict([1, 2], target_variant="B")

files = []
deadline = time.time() + 60
lines = []
while len(lines) < 9 and time.time() < deadline:
    files = S3Downloader.list(f"s3://{bucket}/{NAMED}/captured/{NAMED}", sagemaker_session=session)
    lines = [line for file in files for line in S3Downloader.read_file(file, sagemaker_session=session).splitlines()]
record = json.loads(lines[0])["captureData"]["endpointInput"]
print(f"captured={len(lines)} {record['encoding']} {record['data']}")

predictor.update_endpoint(model_name=third, initial_instance_count=1, instance_type="ml.m5.large")
updated = predictor.predict([1, 2])
print(f"shares={shares} named={named} updated={updated}")
predictor.delete_endpoint()
good = len(lines) == 9 and shares == (6, 2) and named == "second" and updated == "third" and record["encoding"] == "CSV"
sys.exit(0 if good else "the endpoint did not do what it was told")
