import threading
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from endpoint_steps import SKLEARN, Hosting, until

from skylab.cloud import Cloud
from skylab.kernel.key import Key
from skylab.services.sagemaker_runtime import serverless


@pytest.fixture
def settings(settings):
    return replace(settings, serverless_keep_seconds=1.5)


def made(hosting, model="m", concurrency=2, provisioned=None, **environment):
    hosting.model(model, **environment)
    config(hosting, "c", model, concurrency, provisioned)
    described = hosting.endpoint("e", "c")
    assert described["EndpointStatus"] == "InService", described
    return described["ProductionVariants"][0]


def config(hosting, name, model, concurrency=2, provisioned=None, memory=1024, **more):
    given = {"MemorySizeInMB": memory, "MaxConcurrency": concurrency}
    given |= {"ProvisionedConcurrency": provisioned} if provisioned else {}
    variant = {"VariantName": "A", "ModelName": model, "ServerlessConfig": given}
    hosting.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant | more])


def workers(hosting, state="healthy"):
    with hosting.cloud.store.reading() as tx:
        (fleet,) = [task for task in tx.tasks() if task.kind == "endpoint" and task.state == "serving"]
        return [each for each in fleet.data["replicas"].values() if each["state"] == state]


def at_once(hosting, count, seconds):
    answers = []

    def call():
        try:
            answers.append(hosting.ask("e", {"sleep": seconds})["born"])
        except ClientError as refused:
            answers.append(refused.response)

    callers = [threading.Thread(target=call) for _ in range(count)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return answers


def test_workers_come_when_they_are_asked_for_and_go_when_nobody_asks(hosting):
    variant = made(hosting)
    assert variant["CurrentServerlessConfig"] == {"MemorySizeInMB": 1024, "MaxConcurrency": 2}
    assert variant["CurrentInstanceCount"] == 0
    until(lambda: not workers(hosting))

    cold, warm = hosting.ask("e")["born"], hosting.ask("e")["born"]

    assert cold == warm, "the worker is kept"
    until(lambda: not workers(hosting))
    assert hosting.ask("e")["born"] > warm, "a new one"


def test_each_worker_has_one_request_and_there_are_no_more_than_allowed(hosting):
    made(hosting)
    answers = at_once(hosting, 2, 1)
    assert len(set(answers)) == 2, "a worker each"
    answers = at_once(hosting, 4, 1)
    refused = [each for each in answers if isinstance(each, dict)]
    assert len(refused) == 2
    assert {each["Error"]["Code"] for each in refused} == {"ThrottlingException"}
    assert {each["Error"]["Message"] for each in refused} == {"Rate exceeded"}
    assert {each["ResponseMetadata"]["HTTPStatusCode"] for each in refused} == {429}


def test_provisioned_workers_stay(hosting):
    variant = made(hosting, provisioned=1)
    assert variant["CurrentServerlessConfig"]["ProvisionedConcurrency"] == 1
    first = hosting.ask("e")["born"]
    at_once(hosting, 2, 0.5)
    until(lambda: len(workers(hosting)) == 1)
    assert first in {hosting.ask("e")["born"]}


def test_concurrency_changes_while_it_serves(hosting):
    made(hosting, concurrency=1)

    def change(**config):
        wanted = [{"VariantName": "A", "ServerlessUpdateConfig": config}]
        hosting.sagemaker.update_endpoint_weights_and_capacities(EndpointName="e", DesiredWeightsAndCapacities=wanted)

    change(MaxConcurrency=2, ProvisionedConcurrency=2)
    described = hosting.settled("e")["ProductionVariants"][0]
    assert described["CurrentServerlessConfig"] == {
        "MemorySizeInMB": 1024,
        "MaxConcurrency": 2,
        "ProvisionedConcurrency": 2,
    }
    until(lambda: len(workers(hosting)) == 2)
    assert len(set(at_once(hosting, 2, 0.5))) == 2
    with pytest.raises(ClientError, match="must be less than or equal to MaxConcurrency"):
        change(MaxConcurrency=1)


def test_memory_is_limited(hosting):
    code = "def model_fn(folder):\n    return 0\ndef predict_fn(data, model):\n    return [len(bytes(data * 2**20))]\n"
    hosting.model("m", code + "def input_fn(body, type):\n    return int(body)\n")
    config(hosting, "c", "m")
    hosting.endpoint("e", "c")
    assert hosting.ask("e", 100) == [100 << 20]
    with pytest.raises(ClientError) as failed:
        hosting.ask("e", 1100)
    assert failed.value.response["Error"]["Code"] == "ModelError"


def test_a_worker_that_does_not_come_up_is_not_waited_for_for_ever(hosting, monkeypatch):
    monkeypatch.setattr(serverless, "PATIENCE", 0.3)
    slow = "import time\ntime.sleep(1)\ndef model_fn(folder):\n    return 0\n"
    hosting.model("m", slow)
    config(hosting, "c", "m")
    hosting.endpoint("e", "c")
    until(lambda: not workers(hosting))
    with pytest.raises(ClientError) as refused:
        hosting.ask("e")
    assert refused.value.response["Error"]["Code"] == "ModelNotReadyException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_a_restarted_cloud_lets_idle_workers_go(tmp_path, settings):
    cloud = Cloud(tmp_path / "root", replace(settings, describe_hold_seconds=5))
    cloud.start()
    hosting = Hosting(cloud)
    made(hosting)
    until(lambda: not workers(hosting))
    with cloud.store.writing() as tx:  # as a request does that asks for two, and is killed with its gateway
        key = Key(cloud.settings.account, cloud.settings.region, "sagemaker", "endpoint", "e")
        demand = {"A": {"count": 2, "until": cloud.clock.now().timestamp() + 1.5}}
        tx.put(key, (doc := tx.get(key)) | {"_": doc["_"] | {"demand": demand}}, cloud.clock.now())
    until(lambda: workers(hosting, "starting"))
    cloud.stop()
    cloud = Cloud(tmp_path / "root", replace(settings, describe_hold_seconds=5))
    cloud.start()
    try:
        hosting.cloud = cloud
        until(lambda: not workers(hosting))
        assert (
            connect(cloud, "sagemaker-runtime")
            .invoke_endpoint(EndpointName="e", ContentType="application/json", Body=b"{}")["Body"]
            .read()
        )
    finally:
        sagemaker = connect(cloud, "sagemaker")
        sagemaker.delete_endpoint(EndpointName="e")
        until(lambda: not sagemaker.list_endpoints()["Endpoints"])
        cloud.stop()


def test_what_a_serverless_endpoint_cannot_be(hosting):
    hosting.model("m")
    container = {"Image": SKLEARN, "ModelDataUrl": "s3://models/m.tar.gz"}
    made = hosting.sagemaker.create_model
    made(ModelName="two", Containers=[container, container], ExecutionRoleArn=hosting.role)
    many = {"Image": SKLEARN, "Mode": "MultiModel", "ModelDataUrl": "s3://models/many/"}
    made(ModelName="many", PrimaryContainer=many, ExecutionRoleArn=hosting.role)
    made(ModelName="alone", PrimaryContainer=container, ExecutionRoleArn=hosting.role, EnableNetworkIsolation=True)
    for model, more, words in (
        ("m", {"memory": 1500}, "must be one of 1024, 2048"),
        ("m", {"concurrency": 1, "provisioned": 2}, "less than or equal to MaxConcurrency"),
        ("m", {"InstanceType": "ml.m5.large"}, "InstanceType cannot be given with ServerlessConfig"),
        ("two", {}, "with several containers"),
        ("many", {}, "MultiModel mode"),
        ("alone", {}, "network isolation"),
    ):
        with pytest.raises(ClientError, match=words):
            config(hosting, "c", model, **more)
    given = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    variants = [{"VariantName": name, "ModelName": "m", "ServerlessConfig": given} for name in "AB"]
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://models/x",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    create = hosting.sagemaker.create_endpoint_config
    with pytest.raises(ClientError, match="a single production variant"):
        create(EndpointConfigName="c", ProductionVariants=variants)
    with pytest.raises(ClientError, match="DataCaptureConfig cannot be given for a serverless endpoint"):
        create(EndpointConfigName="c", ProductionVariants=variants[:1], DataCaptureConfig=capture)
    output = {"OutputConfig": {"S3OutputPath": "s3://models/x"}}
    with pytest.raises(ClientError, match="AsyncInferenceConfig cannot be given with ServerlessConfig"):
        create(EndpointConfigName="c", ProductionVariants=variants[:1], AsyncInferenceConfig=output)
