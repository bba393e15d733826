"""Kill -9 of the cloud at each effect of an asynchronous request: what was accepted is answered in S3, once."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import connect
from endpoint_steps import Hosting, until

import skylab
from skylab.cloud import Cloud
from skylab.services.sagemaker_runtime import asynchronous
from skylab.settings import Settings

SOURCE = str(Path(skylab.__file__).parents[1])
TESTS = str(Path(__file__).parents[1])
DYING = """
import json, os, signal, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from conftest import connect
from skylab.cloud import Cloud
from skylab.kernel import store
from skylab.compute import processes
from skylab.services.sagemaker.components import work
from skylab.services.sagemaker_runtime import errand, instance, queue, serverless
from skylab.settings import Settings

def end():
    os.kill(os.getpid(), signal.SIGKILL)

root, service, operation, given, owner, name, when = json.loads(sys.argv[3])
cloud = Cloud(Path(root), Settings(fallback=False))
if owner:
    place = eval(owner)
    real = getattr(place, name)

    def step(*given, **more):
        if when == "before":
            end()
        answer = real(*given, **more)
        end()

    setattr(place, name, step)
if operation == "invoke_endpoint":  # the answer is waited for
    cloud.start()
getattr(connect(cloud, service), operation)(**given)
if not owner:
    end()
cloud.start()
time.sleep(60)
"""
STEPS = [
    ("", "", ""),
    ("queue.Queue", "_note", "before"),
    ("queue.Queue", "_note", "after"),
    ("errand.Errand", "_ask", "before"),
    ("errand.Errand", "_ask", "after"),
    ("errand.Errand", "_put", "before"),
    ("errand.Errand", "_put", "after"),
    ("queue.Queue", "_forget", "before"),
    ("queue.Queue", "_forget", "after"),
    ("queue.Queue", "_end", "after"),
]
ONCE = """
def model_fn(folder):
    return None

def transform_fn(model, body, content_type, accept):
    return body, "text/plain"
"""


def die(root, service, operation, given, step):
    """A cloud on that folder is asked, and killed at that step."""
    told = json.dumps([str(root), service, operation, given, *step])
    argv = [sys.executable, "-c", DYING, SOURCE, TESTS, told]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=50)
    assert ended.returncode == -9, ended.stderr


def chosen(steps, *quick):
    """All steps; those that are not quick's are left to the slow run."""
    return [step if n in quick else pytest.param(step, marks=pytest.mark.slow) for n, step in enumerate(steps)]


def named(step):
    return "-".join(part for part in step if part) or "accepted"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A cloud's folder with an asynchronous endpoint in it, whose instance goes on while clouds come and go."""
    root = tmp_path_factory.mktemp("queues") / "root"
    settings = Settings(fallback=False, describe_hold_seconds=5)
    with opened(root, settings) as cloud:
        hosting = Hosting(cloud)
        hosting.s3.create_bucket(Bucket="out")
        hosting.s3.put_bucket_versioning(Bucket="out", VersioningConfiguration={"Status": "Enabled"})
        hosting.s3.put_object(Bucket="models", Key="in", Body=b"once")
        hosting.model("m", ONCE)
        variant = {"VariantName": "A", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        hosting.sagemaker.create_endpoint_config(
            EndpointConfigName="c",
            ProductionVariants=[variant],
            AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://out/x", "S3FailurePath": "s3://out/bad"}},
        )
        assert hosting.endpoint("e", "c")["EndpointStatus"] == "InService"
    yield root
    with opened(root, settings) as cloud:
        sagemaker = connect(cloud, "sagemaker")
        sagemaker.delete_endpoint(EndpointName="e")
        until(lambda: not sagemaker.list_endpoints()["Endpoints"])


@contextlib.contextmanager
def opened(root, settings):
    cloud = Cloud(root, settings)
    cloud.start()
    try:
        yield cloud
    finally:
        cloud.stop()


@pytest.mark.parametrize("step", chosen(STEPS, 0, 6), ids=named)
def test_a_request_that_was_accepted_is_answered_once_whatever_kills_the_cloud(root, step):
    prefix = named(step).lower().replace("_", "").replace(".", "")
    given = {"EndpointName": "e", "InputLocation": "s3://models/in", "S3OutputPathExtension": prefix}
    die(root, "sagemaker-runtime", "invoke_endpoint_async", given | {"ContentType": "text/plain"}, step)

    with opened(root, Settings(fallback=False, describe_hold_seconds=0)) as cloud:
        s3 = connect(cloud, "s3")
        until(lambda: not queued(cloud))
        versions = s3.list_object_versions(Bucket="out", Prefix=f"x/{prefix}").get("Versions", [])
        assert len(versions) == 1
        assert s3.get_object(Bucket="out", Key=versions[0]["Key"])["Body"].read() == b"once"
        assert "Versions" not in s3.list_object_versions(Bucket="out", Prefix="bad")


def queued(cloud):
    with cloud.store.reading() as tx:
        return [task for task in tx.tasks() if task.kind == asynchronous.QUEUE]
