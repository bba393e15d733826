"""The fallback with the real ministack, where it is installed; and what it says where it is not."""

import asyncio
import importlib.util
from dataclasses import replace
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from skylab.gateway.fallback import Fallback
from skylab.settings import Settings
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest

installed = pytest.mark.skipif(importlib.util.find_spec("ministack") is None, reason="ministack is not installed")
REQUEST = HttpRequest("POST", "/", "", {"host": "dynamodb.us-east-1.amazonaws.com"}, b"{}")


def client(fallback, service):
    """A boto3 client whose requests go through forward()."""

    async def forward(request):
        url = urlsplit(request.url)
        given = {name.lower(): v.decode() if isinstance(v, bytes) else str(v) for name, v in request.headers.items()}
        sent = HttpRequest(request.method, url.path, url.query, given | {"host": url.netloc}, request.body or b"")
        answer = await fallback.forward(sent, service, "us-east-1")
        if isinstance(answer.body, bytes):
            return answer, answer.body
        return answer, b"".join([piece async for piece in answer.body])

    def send(request, **_):
        answer, body = asyncio.run(forward(request))
        raw = type("Raw", (), {"stream": lambda self, *_, **__: iter([body])})()
        return AWSResponse(request.url, answer.status, answer.headers, raw)

    made = boto3.client(service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    made.meta.events.register_first("before-send", send)
    return made


@installed
@pytest.mark.timeout(240)
def test_a_table_lives_in_the_fallback_and_survives_its_restart(tmp_path):
    fallback = Fallback(tmp_path, Settings())
    try:
        dynamodb = client(fallback, "dynamodb")
        dynamodb.create_table(
            TableName="songs",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.put_item(TableName="songs", Item={"id": {"S": "1"}, "text": {"S": "x" * 300_000}})
        fallback.stop()

        item = dynamodb.get_item(TableName="songs", Key={"id": {"S": "1"}})["Item"]

        assert item["text"]["S"] == "x" * 300_000
        with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
            dynamodb.describe_table(TableName="none")
    finally:
        fallback.stop()


@installed
def test_the_fallback_ends_when_its_parent_is_gone(tmp_path):
    fallback = Fallback(tmp_path, Settings())
    asyncio.run(fallback.forward(REQUEST, "dynamodb", "us-east-1"))
    child = fallback._child

    child.stdin.close()  # as the operating system does when we are killed

    child.wait(20)


def test_without_ministack_the_sentence_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(AwsError) as raised:
        asyncio.run(Fallback(tmp_path, Settings()).forward(REQUEST, "dynamodb", "us-east-1"))
    assert (raised.value.code, raised.value.status) == ("NotImplemented", 501)
    assert raised.value.message == (
        "dynamodb is not one of Skylab's own services; install the fallback: pip install 'skylab[fallback]'"
    )


def test_the_fallback_can_be_switched_off(tmp_path):
    settings = replace(Settings(), fallback=False)
    with pytest.raises(AwsError, match="switched off"):
        asyncio.run(Fallback(tmp_path, settings).forward(REQUEST, "dynamodb", "us-east-1"))


def test_a_fallback_that_does_not_start_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(AwsError) as raised:
        asyncio.run(Fallback(tmp_path, Settings()).forward(REQUEST, "dynamodb", "us-east-1"))
    assert raised.value.status == 503 and "fallback.log" in raised.value.message
