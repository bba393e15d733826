"""Kill -9 of the cloud at each effect of a training job and of an endpoint's creation: what was acknowledged happens,
its processes run once, its logs are there once, its model is whole.

A child opens the cloud, asks for the work, and ends itself by SIGKILL at the step that a test names. What it had
started goes on; the next cloud takes it over. What runs says so by a connection: it sees no file of the test.
"""

import contextlib
import io
import json
import socket
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest
from conftest import connect
from endpoint_steps import Hosting, until
from services.sagemaker import processed as processing
from services.sagemaker import transformed as transform
from services.sagemaker.acted import XGBOOST, request
from services.sagemaker.test_debugger import debugged, rule

import skylab
from skylab.cloud import Cloud
from skylab.settings import Settings

SOURCE = str(Path(skylab.__file__).parents[1])
TESTS = str(Path(__file__).parents[1])

DYING = """
import json, os, signal, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from conftest import connect
from skylab.cloud import Cloud
from skylab.compute import processes
from skylab.kernel import store
from skylab.services.sagemaker.jobs import delivery, joblogs
from skylab.services.sagemaker.hosting import fleet
from skylab.services.sagemaker.jobs import work as any_work
from skylab.services.sagemaker.processing import job as processing_job
from skylab.services.sagemaker.debugger import work as rules
from skylab.services.sagemaker.training import job, work
from skylab.services.sagemaker.transform import feeding
from skylab.services.sagemaker.transform import job as transform_job
from skylab.services.sagemaker.transform import work as transform_work
from skylab.settings import Settings

def end():
    os.kill(os.getpid(), signal.SIGKILL)

root, durability, operation, given, owner, name, when = json.loads(sys.argv[3])
cloud = Cloud(Path(root), Settings(durability=durability, fallback=False))
sagemaker = connect(cloud, "sagemaker")
if owner:
    place = eval(owner)
    real = getattr(place, name)

    def step(*given, **more):
        if when == "before":
            end()
        real(*given, **more)
        end()

    setattr(place, name, step)
getattr(sagemaker, operation)(**given)
if not owner:
    end()
cloud.start()
time.sleep(60)
"""

TRAINING = [  # (what, its name, before or after it); "": as soon as it is acknowledged
    ("", "", ""),
    ("job.Job", "stage", "before"),
    ("job.Job", "stage", "after"),
    ("processes.LocalProcesses", "start", "before"),
    ("processes.LocalProcesses", "start", "after"),
    ("joblogs", "ship", "after"),
    ("delivery", "deliver", "before"),
    ("delivery", "deliver", "after"),
    ("job.Job", "results", "after"),
    ("work.Training", "_remove", "before"),
    ("work.Training", "_remove", "after"),
]
RULE = [
    ("rules.Rules", "_tell", "after"),  # within the transaction that makes its processing job
    pytest.param(("rules.Rules", "_begin", "before"), marks=pytest.mark.slow),
    pytest.param(("rules.Rules", "_begin", "after"), marks=pytest.mark.slow),
]
PROCESSING = [
    pytest.param(("", "", ""), marks=pytest.mark.slow),
    pytest.param(("processing_job.Job", "prepare", "after"), marks=pytest.mark.slow),
    ("processes.LocalProcesses", "start", "after"),
    pytest.param(("processing_job.Job", "deliver", "before"), marks=pytest.mark.slow),
    ("processing_job.Job", "deliver", "after"),
    pytest.param(("any_work.Jobs", "_remove", "after"), marks=pytest.mark.slow),
]
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


class Counter:
    """How often somebody said that it runs."""

    def __init__(self):
        self.count = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                self._listening.accept()[0].close()
                self.count += 1

    def close(self):
        self._listening.close()


@pytest.fixture
def counter():
    with contextlib.closing(Counter()) as counter:
        yield counter


def named(step):
    return "-".join(part for part in step if part).replace("processes.LocalProcesses", "process") or "acknowledged"


def killed(tmp_path, durability, operation, given, step):
    """The cloud's folder after a death at that step."""
    told = json.dumps([str(tmp_path / "root"), durability, operation, given, *step])
    argv = [sys.executable, "-c", DYING, SOURCE, TESTS, told]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=50)
    assert ended.returncode == -9, ended.stderr
    return Cloud(tmp_path / "root", Settings(durability=durability, fallback=False, describe_hold_seconds=30))


def prepared(tmp_path, durability="kill"):
    return Cloud(tmp_path / "root", Settings(durability=durability, fallback=False, describe_hold_seconds=0))


@pytest.mark.parametrize("step", TRAINING, ids=named)
def test_a_training_job_that_was_acknowledged_runs_once_whatever_kills_the_cloud(tmp_path, counter, step):
    trained_once(tmp_path, counter, "kill", step)


@pytest.mark.parametrize("step", [TRAINING[0], TRAINING[4], TRAINING[7]], ids=named)
def test_so_it_does_where_a_power_cut_is_reckoned_with(tmp_path, counter, step):
    trained_once(tmp_path, counter, "power", step)


def trained_once(tmp_path, counter, durability, step):
    cloud = prepared(tmp_path, durability)
    connect(cloud, "s3").create_bucket(Bucket="sagemaker-data")
    cloud.stop()
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{counter.port}; echo said; echo made > ${{SAGEMAKER_BASE_DIR:-/opt/ml}}/model/m"
    )
    job = request(algorithm={"ContainerEntrypoint": ["/bin/bash", "-c", script]})

    cloud = killed(tmp_path, durability, "create_training_job", job, step)
    cloud.start()
    try:
        doc = connect(cloud, "sagemaker").describe_training_job(TrainingJobName="job")
        assert doc["TrainingJobStatus"] == "Completed", doc.get("FailureReason")
        assert counter.count == 1
        logs = connect(cloud, "logs").filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs")["events"]
        assert [event["message"] for event in logs].count("said") == 1
        body = (
            connect(cloud, "s3").get_object(Bucket="sagemaker-data", Key="out/job/output/model.tar.gz")["Body"].read()
        )
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            assert archive.extractfile("m").read() == b"made\n"
        until(lambda: not list((tmp_path / "root/jobs").iterdir()))
        assert not list((tmp_path / "root/runs").glob("*/*"))
    finally:
        cloud.stop()


@pytest.mark.parametrize("step", RULE, ids=str)
def test_a_rule_of_a_training_job_is_evaluated_once_whatever_kills_the_cloud(tmp_path, step):
    """Without a socket it gets no credentials, and ends with an error: once."""
    cloud = prepared(tmp_path)
    connect(cloud, "s3").create_bucket(Bucket="sagemaker-data")
    cloud.stop()
    job = debugged(rule()) | {"AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}}
    job["AlgorithmSpecification"]["ContainerEntrypoint"] = ["/bin/bash", "-c", "sleep 1"]

    cloud = killed(tmp_path, "kill", "create_training_job", job, step)
    cloud.start()
    try:
        sagemaker = connect(cloud, "sagemaker")
        until(lambda: _rule(sagemaker)["RuleEvaluationStatus"] != "InProgress")
        assert _rule(sagemaker)["RuleEvaluationStatus"] == "Error"
        (one,) = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
        assert one["ProcessingJobArn"] == _rule(sagemaker)["RuleEvaluationJobArn"]
        logs = connect(cloud, "logs").filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs")["events"]
        assert [event["message"][:9] for event in logs].count("Traceback") >= 1
        assert len({event["logStreamName"] for event in logs}) == 1
        until(lambda: not list((tmp_path / "root/jobs").iterdir()))
    finally:
        cloud.stop()


def _rule(sagemaker):
    (told,) = sagemaker.describe_training_job(TrainingJobName="job")["DebugRuleEvaluationStatuses"]
    return told


def test_a_training_job_that_was_not_acknowledged_is_not_there(tmp_path):
    cloud = prepared(tmp_path)
    connect(cloud, "s3").create_bucket(Bucket="sagemaker-data")
    cloud.stop()
    step = ("store.Transaction", "start", "after")  # within the transaction that makes it
    cloud = killed(tmp_path, "kill", "create_training_job", request(), step)
    assert connect(cloud, "sagemaker").list_training_jobs()["TrainingJobSummaries"] == []
    with cloud.store.reading() as tx:
        assert [task for task in tx.tasks() if task.kind == "training"] == []
    cloud.stop()


@pytest.mark.parametrize("step", PROCESSING, ids=named)
def test_a_processing_job_that_was_acknowledged_runs_once_whatever_kills_the_cloud(tmp_path, counter, step):
    cloud = prepared(tmp_path)
    s3 = connect(cloud, "s3")
    s3.create_bucket(Bucket="sagemaker-data")
    s3.put_object(Bucket="sagemaker-data", Key="in/a", Body=b"brought")
    cloud.stop()
    folder = "${SAGEMAKER_BASE_DIR:-/opt/ml}/processing"
    script = f"exec 3<>/dev/tcp/127.0.0.1/{counter.port}; echo said; cp {folder}/input/data/a {folder}/output/"
    application = {"ContainerEntrypoint": ["/bin/bash", "-c", script]}
    job = processing.request(
        application=application,
        ProcessingInputs=[processing.brought()],
        **processing.outputs(processing.taken(), processing.taken("same", mode="Continuous", uri=processing.MORE)),
    )

    cloud = killed(tmp_path, "kill", "create_processing_job", job, step)
    cloud.start()
    try:
        doc = connect(cloud, "sagemaker").describe_processing_job(ProcessingJobName="job")
        assert doc["ProcessingJobStatus"] == "Completed", doc.get("FailureReason")
        assert counter.count == 1
        logs = connect(cloud, "logs").filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs")["events"]
        assert [event["message"] for event in logs].count("said") == 1
        for key in ("made/a", "more/a"):
            body = connect(cloud, "s3").get_object(Bucket="sagemaker-data", Key=key)["Body"].read()
            assert body == b"brought"
        until(lambda: not list((tmp_path / "root/jobs").iterdir()))
        assert not list((tmp_path / "root/runs").glob("*/*"))
    finally:
        cloud.stop()


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
