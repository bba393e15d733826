"""Kill -9 of the cloud at each effect of a batch transform and of an endpoint's creation: what was acknowledged
happens, and its containers run once."""

import pytest
from conftest import connect
from endpoint_steps import Hosting, until
from services.sagemaker import transformed as transform

from crash.kills import killed, named, prepared

TRANSFORM = [
    pytest.param(("", "", ""), marks=pytest.mark.slow),
    pytest.param(("transform_job.Job", "prepare", "after"), marks=pytest.mark.slow),
    ("processes.LocalProcesses", "start", "after"),
    ("feeding.Feeder", "_put", "before"),
    pytest.param(("feeding.Feeder", "_put", "after"), marks=pytest.mark.slow),
    pytest.param(("transform_work.Transform", "_fed", "before"), marks=pytest.mark.slow),
    ("transform_work.Transform", "_fed", "after"),
]
ENDPOINT = [
    ("", "", ""),
    ("fleet", "fetch", "before"),
    ("fleet", "fetch", "after"),
    ("processes.LocalProcesses", "start", "before"),
    ("processes.LocalProcesses", "start", "after"),
    ("fleet.Fleet", "_new_doc", "after"),
]
COUNTED = """
import os, socket

def model_fn(folder):
    socket.create_connection(("127.0.0.1", int(os.environ["COUNTER"]))).close()

def predict_fn(data, model):
    return "here"
"""


@pytest.mark.parametrize("step", TRANSFORM, ids=named)
def test_a_transform_job_loses_no_output_whatever_kills_the_cloud(tmp_path, counter, step):
    cloud = prepared(tmp_path)
    hosting = Hosting(cloud)
    hosting.model("m", COUNTED, COUNTER=str(counter.port))
    s3 = connect(cloud, "s3")
    s3.create_bucket(Bucket="sagemaker-data")
    for name in ("a", "b", "c"):
        s3.put_object(Bucket="sagemaker-data", Key=f"in/{name}", Body=b"[1]\n[2]\n")
    cloud.stop()
    job = transform.request(
        source={"SplitType": "Line", "ContentType": "application/json"}, BatchStrategy="SingleRecord"
    )

    cloud = killed(tmp_path, "kill", "create_transform_job", job, step)
    cloud.start()
    try:
        doc = connect(cloud, "sagemaker").describe_transform_job(TransformJobName="job")
        assert doc["TransformJobStatus"] == "Completed", doc.get("FailureReason")
        assert counter.count == 1
        for name in ("a", "b", "c"):
            body = connect(cloud, "s3").get_object(Bucket="sagemaker-data", Key=f"out/{name}.out")["Body"].read()
            assert body.count(b"here") == 2
        until(lambda: not list((tmp_path / "root/jobs").iterdir()))
        assert not list((tmp_path / "root/runs").glob("*/*"))
    finally:
        cloud.stop()


@pytest.mark.parametrize("step", ENDPOINT, ids=named)
def test_an_endpoint_that_was_acknowledged_comes_into_service_whatever_kills_the_cloud(tmp_path, counter, step):
    served_once(tmp_path, counter, "kill", step)


def test_so_does_an_endpoint_where_a_power_cut_is_reckoned_with(tmp_path, counter):
    served_once(tmp_path, counter, "power", ENDPOINT[4])


def served_once(tmp_path, counter, durability, step):
    cloud = prepared(tmp_path, durability)
    hosting = Hosting(cloud)
    hosting.model("m", COUNTED, COUNTER=str(counter.port))
    hosting.config("c", ("A", "m", 1, 1))
    cloud.stop()
    wanted = {"EndpointName": "e", "EndpointConfigName": "c"}

    cloud = killed(tmp_path, durability, "create_endpoint", wanted, step)
    cloud.start()
    sagemaker = connect(cloud, "sagemaker")
    try:
        doc = sagemaker.describe_endpoint(EndpointName="e")
        assert doc["EndpointStatus"] == "InService", doc.get("FailureReason")
        answer = connect(cloud, "sagemaker-runtime").invoke_endpoint(
            EndpointName="e", ContentType="application/json", Body=b"[1]"
        )
        assert b"here" in answer["Body"].read()
        assert counter.count == 1
    finally:
        sagemaker.delete_endpoint(EndpointName="e")
        until(lambda: not sagemaker.list_endpoints()["Endpoints"])
        cloud.stop()
