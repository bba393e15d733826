"""Batch transform whose containers are real processes."""

from conftest import connect
from endpoint_steps import Hosting, until
from services.sagemaker.acted import keys
from services.sagemaker.transformed import LINE, read, request, write

COUNTING = """
def model_fn(folder):
    return 1

def input_fn(body, content_type):
    return body.splitlines()

def predict_fn(lines, model):
    print("asked for", len(lines), flush=True)
    return lines

def output_fn(lines, accept):
    return "\\n".join(line.decode() if isinstance(line, bytes) else line for line in lines)
"""


def test_two_real_containers_share_the_objects(real_cloud):
    hosting = Hosting(real_cloud)
    hosting.model("m", COUNTING)
    s3, sagemaker = connect(real_cloud, "s3"), connect(real_cloud, "sagemaker")
    s3.create_bucket(Bucket="sagemaker-data")
    for name in ("a", "b", "c"):
        write(s3, f"in/{name}", f"{name}1\n{name}2\n".encode())
    sagemaker.create_transform_job(**request(count=2, source={**LINE}, target={"AssembleWith": "Line"}))
    while (doc := sagemaker.describe_transform_job(TransformJobName="job"))["TransformJobStatus"] == "InProgress":
        pass
    assert doc["TransformJobStatus"] == "Completed", doc.get("FailureReason")
    assert [read(s3, f"out/{name}.out") for name in ("a", "b", "c")] == [b"a1\na2\n", b"b1\nb2\n", b"c1\nc2\n"]
    logs = connect(real_cloud, "logs").filter_log_events(logGroupName="/aws/sagemaker/TransformJobs")["events"]
    assert sum("asked for 2" in event["message"] for event in logs) == 3


SLOW = """
import time

def model_fn(folder):
    return 1

def input_fn(body, content_type):
    return body

def predict_fn(body, model):
    print("asked", flush=True)
    time.sleep(0.1)
    return body

def output_fn(body, accept):
    return body
"""


def test_a_job_that_is_stopped_in_the_middle_asks_no_more(real_cloud):
    hosting = Hosting(real_cloud)
    hosting.model("m", SLOW)
    s3, sagemaker, logs = (connect(real_cloud, name) for name in ("s3", "sagemaker", "logs"))
    s3.create_bucket(Bucket="sagemaker-data")
    write(s3, "in/x", b"1\n" * 10_000)
    sagemaker.create_transform_job(**request(source={**LINE}, BatchStrategy="SingleRecord", MaxConcurrentTransforms=3))

    def asked():
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        return groups and logs.filter_log_events(logGroupName=groups[0], filterPattern="asked")["events"]

    until(asked)
    sagemaker.stop_transform_job(TransformJobName="job")
    while (doc := sagemaker.describe_transform_job(TransformJobName="job"))["TransformJobStatus"] == "Stopping":
        pass
    assert doc["TransformJobStatus"] == "Stopped" and keys(s3, "out/") == [] and len(asked()) < 5_000
