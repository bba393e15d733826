"""SageMaker SDK v2: MultiDataModel, PipelineModel, ServerlessInferenceConfig, AsyncInferenceConfig, AsyncPredictor."""

import io
import sys
import tarfile
import time

import boto3
import sagemaker
from sagemaker.async_inference import AsyncInferenceConfig, WaiterConfig
from sagemaker.deserializers import StringDeserializer
from sagemaker.model import Model
from sagemaker.multidatamodel import MultiDataModel
from sagemaker.pipeline import PipelineModel
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer
from sagemaker.serverless import ServerlessInferenceConfig

CODE = """
def model_fn(folder):
    return open(folder + "/name").read()

def transform_fn(model, body, content_type, accept):
    return f"{body.strip()}>{model}", "text/csv"
"""
NAMED = f"sdk2-kinds-{int(time.time())}"
session = sagemaker.Session()
role, bucket = sagemaker.get_execution_role(session), session.default_bucket()
s3 = boto3.client("s3")
speaking = {"serializer": CSVSerializer(), "deserializer": StringDeserializer()}


def archive(name):
    """s3://…/name.tar.gz of a model whose answer ends with its name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, text in {"name": name, "code/inference.py": CODE}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    s3.put_object(Bucket=bucket, Key=f"{NAMED}/{name}.tar.gz", Body=packed.getvalue())
    return f"s3://{bucket}/{NAMED}/{name}.tar.gz"


image = sagemaker.image_uris.retrieve("sklearn", session.boto_region_name, version="1.2-1", instance_type="ml.m5.large")


def model(name):
    data = archive(name)
    return Model(image_uri=image, model_data=data, role=role, sagemaker_session=session, name=f"{NAMED}-{name}")


def ended(endpoint):
    session.delete_endpoint(endpoint)


many = MultiDataModel(
    name=f"{NAMED}-many",
    model_data_prefix=f"s3://{bucket}/{NAMED}/many/",
    model=model("base"),
    sagemaker_session=session,
)
many.add_model(archive("one"), "one.tar.gz")
many.deploy(initial_instance_count=1, instance_type="ml.m5.large", endpoint_name=f"{NAMED}-many")
asked = Predictor(f"{NAMED}-many", session, **speaking)
many.add_model(archive("two"), "deep/two.tar.gz")
said = [asked.predict("x", target_model=name).strip() for name in ("one.tar.gz", "deep/two.tar.gz")]
print(f"many={said} listed={sorted(many.list_models())}")
ended(f"{NAMED}-many")

pipeline = PipelineModel([model("first"), model("last")], role=role, name=f"{NAMED}-pipe", sagemaker_session=session)
pipeline.deploy(initial_instance_count=1, instance_type="ml.m5.large", endpoint_name=f"{NAMED}-pipe")
print(f"pipeline={Predictor(f'{NAMED}-pipe', session, **speaking).predict('x').strip()}")
ended(f"{NAMED}-pipe")

model("less").deploy(
    serverless_inference_config=ServerlessInferenceConfig(memory_size_in_mb=1024, max_concurrency=2),
    endpoint_name=f"{NAMED}-less",
)
print(f"serverless={Predictor(f'{NAMED}-less', session, **speaking).predict('x').strip()}")
ended(f"{NAMED}-less")

later = Model(
    image_uri=image,
    model_data=archive("later"),
    role=role,
    sagemaker_session=session,
    name=f"{NAMED}-later",
    predictor_cls=lambda name, session: Predictor(name, session, **speaking),
)
predictor = later.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    endpoint_name=f"{NAMED}-later",
    async_inference_config=AsyncInferenceConfig(),
)
waiter = WaiterConfig(max_attempts=60, delay=1)
print(f"async={predictor.predict('x', waiter_config=waiter).strip()}")
s3.put_object(Bucket=bucket, Key=f"{NAMED}/in.csv", Body=b"y")
response = predictor.predict_async(input_path=f"s3://{bucket}/{NAMED}/in.csv", initial_args={"ContentType": "text/csv"})
print(f"response={response.get_result(waiter).strip()}")
ended(f"{NAMED}-later")
sys.exit(0)
