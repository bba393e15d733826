import json
import os
import signal
import threading

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from endpoint_steps import SKLEARN, archive, until

from skylab.services.sagemaker_runtime import multimodel

NAMED = """
import json, os

def model_fn(folder):
    print("loading " + open(folder + "/name").read(), flush=True)
    if open(folder + "/name").read() == "slow":
        import time; time.sleep(2)
    return open(folder + "/name").read()

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    return {"model": model, "pid": os.getpid()}
"""


def put(hosting, name, key=None, code=NAMED):
    hosting.s3.put_object(Bucket="models", Key=f"many/{key or name}.tar.gz", Body=archive(name, code))


def many(hosting, count=1, setting=None, **environment):
    container = {"Image": SKLEARN, "Mode": "MultiModel", "ModelDataUrl": "s3://models/many/"}
    container |= {"Environment": environment} | (
        {"MultiModelConfig": {"ModelCacheSetting": setting}} if setting else {}
    )
    hosting.sagemaker.create_model(ModelName="many", PrimaryContainer=container, ExecutionRoleArn=hosting.role)
    hosting.config("many", ("A", "many", count, 1))
    described = hosting.endpoint("many", "many")
    assert described["EndpointStatus"] == "InService", described


def ask(hosting, model):
    return hosting.ask("many", {}, TargetModel=f"{model}.tar.gz")["model"]


def loads(hosting):
    logs = connect(hosting.cloud, "logs")
    if not logs.describe_log_groups()["logGroups"]:
        return []
    events = logs.filter_log_events(logGroupName="/aws/sagemaker/Endpoints/many")["events"]
    return [each["message"].split()[1] for each in events if each["message"].startswith("loading")]


def test_models_are_loaded_when_they_are_asked_for_once_each(hosting):
    put(hosting, "a")
    put(hosting, "b", "deep/b")
    many(hosting)
    assert [ask(hosting, "a"), ask(hosting, "deep/b"), ask(hosting, "a")] == ["a", "b", "a"]

    put(hosting, "late")  # while the endpoint runs
    put(hosting, "changed", "a")  # "a" lies on the instance: as on AWS, what replaces it in S3 is not looked at
    assert [ask(hosting, "late"), ask(hosting, "a")] == ["late", "a"]
    until(lambda: loads(hosting) == ["a", "b", "late"])


def test_requests_are_refused_as_aws_does(hosting):
    put(hosting, "a")
    put(hosting, "broken", code="raise RuntimeError('no such thing')")
    hosting.s3.put_object(Bucket="models", Key="many/text.tar.gz", Body=b"text")
    many(hosting)
    with pytest.raises(ClientError) as refused:
        ask(hosting, "none")
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert "Failed to download model data(bucket: models, key: many/none.tar.gz)" in str(refused.value)
    with pytest.raises(ClientError, match="TargetModel header is required"):
        hosting.ask("many")
    with pytest.raises(ClientError, match="Failed to extract model data archive"):
        ask(hosting, "text")
    with pytest.raises(ClientError) as refused:
        ask(hosting, "broken")
    assert refused.value.response["Error"]["Code"] == "ModelError"
    assert "no such thing" in refused.value.response["OriginalMessage"]
    assert ask(hosting, "a") == "a", "and the others go on"
    hosting.model("alone")
    hosting.config("alone", ("A", "alone", 1, 1))
    hosting.endpoint("alone", "alone")
    with pytest.raises(ClientError, match="no multi-model endpoint"):
        hosting.ask("alone", {}, TargetModel="a.tar.gz")


def test_a_model_that_was_not_asked_for_longest_makes_room(hosting):
    """Each archive is counted by its files; two of 30 MB fit beside the program in the memory that is told."""
    for name in ("a", "b", "c"):
        put(hosting, name, code=NAMED + "#" * 30_000_000)
    many(hosting, SKYLAB_MODEL_MEMORY="140000000")
    for name in ("a", "b", "a", "c", "a", "b"):
        assert ask(hosting, name) == name
    until(lambda: loads(hosting) == ["a", "b", "c", "b"])


def test_callers_of_a_model_that_loads_wait_for_one_loading(hosting, monkeypatch):
    put(hosting, "slow")
    many(hosting)
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(ask(hosting, "slow"))) for _ in range(4)]
    for caller in callers:
        caller.start()
    until(lambda: loads(hosting) == ["slow"])
    monkeypatch.setattr(multimodel, "PATIENCE", 0.1)
    with pytest.raises(ClientError) as refused:
        ask(hosting, "slow")
    assert refused.value.response["Error"]["Code"] == "ModelNotReadyException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    for caller in callers:
        caller.join()
    assert answers == ["slow"] * 4 and loads(hosting) == ["slow"]


def test_without_a_cache_nothing_stays(hosting):
    put(hosting, "a")
    many(hosting, setting="Disabled")
    assert [ask(hosting, "a"), ask(hosting, "a")] == ["a", "a"]
    (models,) = hosting.cloud.root.glob("endpoints/*/0-0/models")
    until(lambda: not os.listdir(models))
    put(hosting, "b", "a")
    assert ask(hosting, "a") == "b", "it is fetched again"


def test_a_killed_instance_loads_again_what_it_is_asked_for(hosting):
    put(hosting, "a")
    many(hosting)
    before = hosting.ask("many", {}, TargetModel="a.tar.gz")
    for pid in [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and serves(pid)]:
        os.kill(pid, signal.SIGKILL)

    def again():
        try:
            return hosting.ask("many", {}, TargetModel="a.tar.gz")
        except ClientError:
            return None

    assert until(again)["model"] == before["model"]


def serves(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/cmdline", "rb") as words:
            return b"SAGEMAKER_MULTI_MODEL=true" in environ.read() and b"images.serve" in words.read()
    except OSError:
        return False


def test_a_model_in_two_instances_is_asked_where_it_is_loaded(hosting):
    put(hosting, "a")
    many(hosting, count=2)
    assert len({json.dumps(hosting.ask("many", {}, TargetModel="a.tar.gz")) for _ in range(4)}) == 1
    until(lambda: loads(hosting) == ["a"])


def test_what_a_multi_model_container_cannot_be(hosting):
    many_models = {"Image": SKLEARN, "Mode": "MultiModel"}
    for container, words in (
        (many_models, "ModelDataUrl must be given"),
        (many_models | {"ModelDataUrl": "s3://models/a.tar.gz"}, "must be an S3 prefix"),
        (
            {"Image": SKLEARN, "MultiModelConfig": {"ModelCacheSetting": "Enabled"}},
            "MultiModelConfig can be given",
        ),
    ):
        with pytest.raises(ClientError, match=words):
            hosting.sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=hosting.role)
