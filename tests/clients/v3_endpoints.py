"""SageMaker SDK v3: two production variants with data capture, weights, and an update that is a canary."""

import io
import sys
import tarfile
import time

import boto3
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import Endpoint, EndpointConfig, Model
from sagemaker.core.shapes import (
    BlueGreenUpdatePolicy,
    CapacitySize,
    CaptureContentTypeHeader,
    CaptureOption,
    ContainerDefinition,
    DataCaptureConfig,
    DeploymentConfig,
    DesiredWeightAndCapacity,
    ProductionVariant,
    TrafficRoutingConfig,
)

CODE = """
def model_fn(folder):
    return open(folder + "/name").read()

def transform_fn(model, body, content_type, accept):
    return model, "text/csv"
"""
NAMED = f"sdk3-variants-{int(time.time())}"
session = Session()
bucket, s3 = session.default_bucket(), boto3.client("s3")
image = image_uris.retrieve("sklearn", session.boto_region_name, version="1.4-2")


def model(name):
    """A SageMaker model whose answer is its name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, text in {"name": name, "code/inference.py": CODE}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    s3.put_object(Bucket=bucket, Key=f"{NAMED}/{name}.tar.gz", Body=packed.getvalue())
    container = ContainerDefinition(image=image, model_data_url=f"s3://{bucket}/{NAMED}/{name}.tar.gz")
    Model.create(model_name=f"{NAMED}-{name}", primary_container=container, execution_role_arn=get_execution_role())
    return f"{NAMED}-{name}"


def variant(name, of, weight=1.0):
    return ProductionVariant(
        variant_name=name, model_name=of, initial_instance_count=1, instance_type="ml.m5.large",
        initial_variant_weight=weight,
    )  # fmt: skip


def ask(**more):
    return endpoint.invoke(body="1,2", content_type="text/csv", **more).body.read().decode()


capture = DataCaptureConfig(
    enable_capture=True,
    initial_sampling_percentage=100,
    destination_s3_uri=f"s3://{bucket}/{NAMED}/captured",
    capture_options=[CaptureOption(capture_mode="Input"), CaptureOption(capture_mode="Output")],
    capture_content_type_header=CaptureContentTypeHeader(csv_content_types=["text/csv"]),
)
variants = [variant("A", model("first"), 3.0), variant("B", model("second"))]
EndpointConfig.create(endpoint_config_name=NAMED, production_variants=variants, data_capture_config=capture)
endpoint = Endpoint.create(endpoint_name=NAMED, endpoint_config_name=NAMED)
endpoint.wait_for_status("InService")
answers = [ask() for _ in range(8)]
shares = answers.count("first"), answers.count("second")
status = endpoint.refresh().data_capture_config.capture_status

small = DesiredWeightAndCapacity(variant_name="A", desired_weight=0.0001)  # the SDK leaves 0 out
endpoint.update_weights_and_capacities([small])
endpoint.wait_for_status("InService")
weighed, named = ask(), ask(target_variant="A")

EndpointConfig.create(endpoint_config_name=f"{NAMED}-2", production_variants=[variant("C", model("third"))])
policy = BlueGreenUpdatePolicy(
    traffic_routing_configuration=TrafficRoutingConfig(
        type="CANARY", wait_interval_in_seconds=1, canary_size=CapacitySize(type="CAPACITY_PERCENT", value=50)
    )
)
endpoint.endpoint_config_name = f"{NAMED}-2"
endpoint.update(deployment_config=DeploymentConfig(blue_green_update_policy=policy))
endpoint.wait_for_status("InService")
updated = ask()

deadline = time.time() + 60
lines = 0
while lines < 10 and time.time() < deadline:
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{NAMED}/captured/{NAMED}/").get("Contents", [])
    lines = sum(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read().count(b"\n") for each in found)

print(f"shares={shares} status={status} weighed={weighed} named={named} updated={updated} captured={lines}")
endpoint.delete()
good = (shares, status, weighed, named, updated, lines) == ((6, 2), "Started", "second", "first", "third", 10)
sys.exit(0 if good else "the endpoint did not do what it was told")
