import json
import time

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from endpoint_steps import until

from skylab.services.sagemaker_runtime import asynchronous

COUNTING = """
import json, os, time
RUNNING = []

def model_fn(folder):
    return None

def transform_fn(model, body, content_type, accept):
    if content_type == "application/octet-stream":
        return str(len(body)), "text/plain"
    data = json.loads(body)
    RUNNING.append(1)
    most = len(RUNNING)
    time.sleep(data.get("sleep", 0))
    RUNNING.pop()
    if data.get("die"):
        os._exit(3)
    if data.get("fail"):
        raise ValueError(data["fail"])
    return json.dumps({"sent": data, "type": content_type, "most": most}), accept or "application/json"
"""


@pytest.fixture
def later(hosting):
    hosting.s3.create_bucket(Bucket="out")
    return hosting


def endpoint(hosting, client=None, output=None, count=1, **environment):
    hosting.model("m", COUNTING, **environment)
    output = {"S3OutputPath": "s3://out/good", "S3FailurePath": "s3://out/bad/"} | (output or {})
    hosting.sagemaker.create_endpoint_config(
        EndpointConfigName="c",
        ProductionVariants=[
            {"VariantName": "A", "ModelName": "m", "InitialInstanceCount": count, "InstanceType": "ml.m5.large"}
        ],
        AsyncInferenceConfig={"OutputConfig": output} | ({"ClientConfig": client} if client else {}),
    )
    described = hosting.endpoint("e", "c")
    assert described["EndpointStatus"] == "InService", described
    return described


def sent(hosting, request, **more):
    key = f"in/{hosting.cloud.ids.new()}"
    hosting.s3.put_object(Bucket="models", Key=key, Body=json.dumps(request).encode())
    more = {"InputLocation": f"s3://models/{key}", "ContentType": "application/json"} | more
    return hosting.runtime.invoke_endpoint_async(EndpointName="e", **more)


def found(hosting, location):
    """The object, when it is there."""
    bucket, _, key = location.removeprefix("s3://").partition("/")

    def look():
        try:
            return hosting.s3.get_object(Bucket=bucket, Key=key)
        except hosting.s3.exceptions.NoSuchKey:
            return None

    return until(look)


def idle(hosting):
    with hosting.cloud.store.reading() as tx:
        return not [task for task in tx.tasks() if task.kind == asynchronous.QUEUE]


def test_the_answer_comes_to_s3(later):
    described = endpoint(later)
    assert described["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"] == "s3://out/good"

    accepted = sent(later, {"x": 1}, InferenceId="mine", Accept="text/csv")

    assert accepted["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert accepted["InferenceId"] == "mine"
    assert accepted["OutputLocation"].startswith("s3://out/good/") and accepted["OutputLocation"].endswith(".out")
    assert accepted["FailureLocation"].startswith("s3://out/bad/")
    assert accepted["FailureLocation"].endswith("-error.out")
    answer = found(later, accepted["OutputLocation"])
    assert json.loads(answer["Body"].read()) == {"sent": {"x": 1}, "type": "application/json", "most": 1}
    assert answer["ContentType"] == "text/csv"
    until(lambda: idle(later))
    with pytest.raises(ClientError, match="it is invoked by InvokeEndpointAsync"):
        later.ask("e")


def test_failures_come_to_s3_too(later):
    endpoint(later)
    failed = sent(later, {"fail": "no luck"})
    text = found(later, failed["FailureLocation"])["Body"].read().decode()
    assert text == 'Received server error (500) from primary with message "ValueError: no luck".'
    missing = sent(later, {}, InputLocation="s3://models/none")
    text = found(later, missing["FailureLocation"])["Body"].read().decode()
    assert text.startswith("Failed to download the request from s3://models/none: ")
    slow = sent(later, {"sleep": 20}, InvocationTimeoutSeconds=1)
    assert b"within 1 seconds" in found(later, slow["FailureLocation"])["Body"].read()
    until(lambda: idle(later))


def test_an_instance_takes_as_many_at_once_as_it_may(later):
    endpoint(later, {"MaxConcurrentInvocationsPerInstance": 2}, SAGEMAKER_MODEL_SERVER_WORKERS="8")
    accepted = [sent(later, {"sleep": 0.3}) for _ in range(6)]
    most = [json.loads(found(later, each["OutputLocation"])["Body"].read())["most"] for each in accepted]
    assert max(most) == 2


def test_a_request_that_waits_too_long_expires(later, monkeypatch):
    endpoint(later, {"MaxConcurrentInvocationsPerInstance": 1})
    first = sent(later, {"sleep": 2})
    second = sent(later, {}, RequestTTLSeconds=60)
    monkeypatch.setattr(type(later.cloud.clock), "now", ahead(later.cloud.clock, 61))
    assert b"The request expired" in found(later, second["FailureLocation"])["Body"].read()
    found(later, first["OutputLocation"])


def ahead(clock, seconds):
    from datetime import timedelta

    real = type(clock).now
    return lambda self: real(self) + timedelta(seconds=seconds)


def test_an_instance_that_dies_under_a_request_is_replaced_and_asked_again(later):
    endpoint(later)
    poison = sent(later, {"die": True})
    assert b"closed before the answer was complete" in found(later, poison["FailureLocation"])["Body"].read()
    until(lambda: idle(later))
    found(later, sent(later, {})["OutputLocation"])


def test_a_large_input_passes_without_being_held_in_memory(later):
    endpoint(later)
    size = 64 << 20
    later.s3.put_object(Bucket="models", Key="large", Body=b"x" * size)
    accepted = sent(later, {}, InputLocation="s3://models/large", ContentType="application/octet-stream")
    assert found(later, accepted["OutputLocation"])["Body"].read() == str(size).encode()


def test_names_keys_and_bodies_of_the_callers_choice(later):
    key = connect(later.cloud, "kms").create_key()["KeyMetadata"]["Arn"]
    iam = connect(later.cloud, "iam")
    allow = {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": key}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName="Hosting", PolicyName="key", PolicyDocument=document)
    endpoint(later, output={"KmsKeyId": key})
    accepted = later.runtime.invoke_endpoint_async(
        EndpointName="e",
        Body=b'{"in": "line"}',
        ContentType="application/json",
        S3OutputPathExtension="some/where",
        Filename="mine.json",
    )
    assert accepted["OutputLocation"] == "s3://out/good/some/where/mine.json"
    answer = found(later, accepted["OutputLocation"])
    assert json.loads(answer["Body"].read())["sent"] == {"in": "line"}
    assert answer["SSEKMSKeyId"] == key
    with pytest.raises(ClientError, match="Exactly one of InputLocation and Body"):
        sent(later, {}, Body=b"{}")
    with pytest.raises(ClientError, match="Exactly one of InputLocation and Body"):
        later.runtime.invoke_endpoint_async(EndpointName="e")
    with pytest.raises(ClientError, match="less than or equal to 128000"):
        later.runtime.invoke_endpoint_async(EndpointName="e", Body=b"x" * 128001)


def test_requests_wait_for_instances_and_are_told_when_there_will_be_none(later):
    endpoint(later)
    wanted = [{"VariantName": "A", "DesiredInstanceCount": 0}]
    later.sagemaker.update_endpoint_weights_and_capacities(EndpointName="e", DesiredWeightsAndCapacities=wanted)
    later.settled("e")
    waiting = sent(later, {"x": 2})
    time.sleep(0.2)
    assert not idle(later)
    wanted[0]["DesiredInstanceCount"] = 1
    later.sagemaker.update_endpoint_weights_and_capacities(EndpointName="e", DesiredWeightsAndCapacities=wanted)
    later.settled("e")
    found(later, waiting["OutputLocation"])
    wanted[0]["DesiredInstanceCount"] = 0
    later.sagemaker.update_endpoint_weights_and_capacities(EndpointName="e", DesiredWeightsAndCapacities=wanted)
    later.settled("e")
    lost = sent(later, {})
    later.sagemaker.delete_endpoint(EndpointName="e")
    assert b"The endpoint was deleted" in found(later, lost["FailureLocation"])["Body"].read()
    until(lambda: idle(later) and not later.sagemaker.list_endpoints()["Endpoints"])


def test_what_an_asynchronous_endpoint_cannot_be(later):
    later.model("a")
    later.config("plain", ("A", "a", 1, 1))
    later.endpoint("plain", "plain")
    with pytest.raises(ClientError, match="Endpoint plain is no asynchronous endpoint"):
        later.runtime.invoke_endpoint_async(EndpointName="plain", InputLocation="s3://models/x")
    with pytest.raises(ClientError, match="Endpoint none of account 000000000000 not found"):
        later.runtime.invoke_endpoint_async(EndpointName="none", InputLocation="s3://models/in")
    topic = "arn:aws:sns:us-east-1:000000000000:t"
    for output, words in (
        ({"S3OutputPath": "s3://out/x", "NotificationConfig": {"SuccessTopic": topic}}, "NotificationConfig is not"),
        ({}, "must have an S3OutputPath"),
    ):
        with pytest.raises(ClientError, match=words):
            later.sagemaker.create_endpoint_config(
                EndpointConfigName="c2",
                ProductionVariants=[
                    {"VariantName": "A", "ModelName": "a", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
                ],
                AsyncInferenceConfig={"OutputConfig": output},
            )
