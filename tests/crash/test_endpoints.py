"""Kill -9 of the server while endpoints serve: a shift of traffic goes on, and what was captured is delivered."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from compute.programs import until
from endpoint_steps import SKLEARN, Load, archive, variant_of
from test_cloud import Server

CODE = """
def model_fn(folder):
    return open(folder + "/name").read()

def transform_fn(model, body, content_type, accept):
    return model, "text/plain"
"""
BUCKET = "sagemaker-models"


class Endpoints:
    """An endpoint e of the model old, on a server that is killed and started again."""

    def __init__(self, root, durability, monkeypatch):
        monkeypatch.setenv("SKYLAB_CAPTURE_DELIVERY_SECONDS", "1")
        monkeypatch.setenv("SKYLAB_DESCRIBE_HOLD_SECONDS", "0")
        self.server = Server(root, durability)
        self.server.start()
        self.connect()
        self.s3.create_bucket(Bucket=BUCKET)
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam = self.server.client("iam")
        role = iam.create_role(RoleName="Hosting", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        iam.attach_role_policy(RoleName="Hosting", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
        for name in ("old", "new"):
            self.s3.put_object(Bucket=BUCKET, Key=f"{name}.tar.gz", Body=archive(name, CODE))
            container = {"Image": SKLEARN, "ModelDataUrl": f"s3://{BUCKET}/{name}.tar.gz"}
            self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role)

    def connect(self):
        self.sagemaker, self.runtime = self.server.client("sagemaker"), self.server.client("sagemaker-runtime")
        self.s3 = self.server.client("s3")

    def again(self):
        self.server.kill()
        self.server.start()
        self.connect()

    def config(self, name, model, count=1, **more):
        variants = [variant_of("A", model, count)]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **more)

    def described(self):
        return self.sagemaker.describe_endpoint(EndpointName="e")

    def settled(self):
        return until(lambda: (d := self.described())["EndpointStatus"] in ("InService", "Failed") and d, 60)

    def ask(self, **more):
        return self.runtime.invoke_endpoint(EndpointName="e", Body=b"1", ContentType="text/csv", **more)["Body"].read()

    def end(self):
        self.settled()
        self.sagemaker.delete_endpoint(EndpointName="e")
        until(lambda: not self.sagemaker.list_endpoints()["Endpoints"], 60)


@pytest.fixture(params=["kill", pytest.param("power", marks=pytest.mark.slow)])
def endpoints(request, tmp_path, monkeypatch):
    made = Endpoints(tmp_path / "root", request.param, monkeypatch)
    try:
        yield made
        made.end()
    finally:
        made.server.kill()


def policy(kind, wait, **sizes):
    routing = {"Type": kind, "WaitIntervalInSeconds": wait} | sizes
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def test_a_shift_goes_on_after_kills_and_no_request_is_lost_after_a_restart(endpoints):
    endpoints.config("c1", "old")
    endpoints.config("c2", "new")
    endpoints.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c1")
    endpoints.settled()
    half = {"Type": "CAPACITY_PERCENT", "Value": 50}
    endpoints.sagemaker.update_endpoint(
        EndpointName="e", EndpointConfigName="c2", DeploymentConfig=policy("CANARY", 5, CanarySize=half)
    )

    endpoints.again()  # while the new fleet comes up
    until(lambda: status(endpoints) == "Baking", 60)
    endpoints.again()  # while half of the traffic is there
    assert status(endpoints) == "Baking"
    with Load(endpoints.ask, callers=2) as load:
        assert endpoints.settled()["EndpointConfigName"] == "c2"
        endpoints.ask()

    assert not load.failures and set(load.answers) == {b"old", b"new"}
    assert endpoints.ask() == b"new"


def status(endpoints):
    pending = endpoints.described().get("PendingDeploymentSummary", {})
    return pending["ProductionVariants"][0]["VariantStatus"][0]["Status"] if pending else None


@pytest.mark.slow
def test_a_rolling_update_whose_instance_died_while_nobody_watched_goes_back(endpoints):
    endpoints.config("c1", "old", 2)
    endpoints.config("c2", "new", 2)
    endpoints.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c1")
    endpoints.settled()
    one = {"Type": "INSTANCE_COUNT", "Value": 1}
    rolling = {"RollingUpdatePolicy": {"MaximumBatchSize": one, "WaitIntervalInSeconds": 60}}
    endpoints.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="c2", DeploymentConfig=rolling)
    until(lambda: status(endpoints) == "Baking", 60)
    green = newest(endpoints.server.root)

    endpoints.server.kill()
    for file in green.glob("*/pid"):
        kill(json.loads(file.read_text())["init"])
    endpoints.server.start()
    endpoints.connect()
    with Load(endpoints.ask) as load:
        described = endpoints.settled()

    assert described["EndpointConfigName"] == "c1" and "did not pass the ping" in described["FailureReason"]
    assert set(load.answers) == {b"old"} and not load.failures


def newest(root: Path):
    """The folder of processes of the fleet that was started last."""
    return max((root / "runs").iterdir(), key=lambda path: path.stat().st_mtime)


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def test_every_invocation_that_was_answered_is_captured_whatever_is_killed(endpoints):
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    endpoints.config("c1", "old", DataCaptureConfig=capture)
    endpoints.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c1")
    endpoints.settled()
    answered = set()
    for round in range(2 if endpoints.server.durability == "kill" else 4):
        load = Load(asker(endpoints, answered, round))
        with load:
            time.sleep(0.3 + 0.5 * round)
            endpoints.server.kill()
        assert all(isinstance(each, HTTPClientError | BotoCoreError | ClientError) for each in load.failures[:1])
        endpoints.server.start()
        endpoints.connect()

    assert len(answered) > 20
    until(lambda: answered <= captured(endpoints.s3), 60)


def asker(endpoints, answered, round):
    """Asks until the server is gone, and remembers what was answered."""
    count = iter(range(10**6))
    runtime, gone = endpoints.runtime, []

    def ask():
        name = f"{round}-{next(count)}"
        if gone:
            time.sleep(0.05)
            return
        try:
            runtime.invoke_endpoint(EndpointName="e", Body=b"1", ContentType="text/csv", InferenceId=name)
        except (HTTPClientError, BotoCoreError):
            gone.append(name)
            raise
        answered.add(name)

    return ask


def captured(s3):
    found = set()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="captured/e/A/"):
        for item in page.get("Contents", []):
            for line in s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().splitlines():
                found.add(json.loads(line)["eventMetadata"]["inferenceId"])
    return found
