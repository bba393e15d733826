"""A stand-in for the gateway: real boto3 clients and the real wire, straight into a service's operations.

It goes when tests/conftest.py has `cloud` and `connect` over the gateway.
"""

import importlib
from types import SimpleNamespace
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from skylab.kernel.clock import CountingIds, TestClock
from skylab.kernel.store import Store
from skylab.services.call import Call, Principal
from skylab.settings import Settings
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.model import service_model
from skylab.wire.protocols import protocol
from skylab.wire.validate import validate

ACCOUNT = "000000000000"
ADMIN = Principal(
    f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/me",
    "AROAADMIN:me",
    ACCOUNT,
    role=f"arn:aws:iam::{ACCOUNT}:role/Admin",
)


@pytest.fixture
def cloud(tmp_path):
    store = Store(tmp_path / "state.db")
    yield SimpleNamespace(store=store, clock=TestClock())
    store.close()


class Body:
    def __init__(self, data):
        self.data = data

    def stream(self):
        yield self.data


def connect(cloud, name, region="us-east-1"):
    service, model = importlib.import_module(f"skylab.services.{name}"), service_model(name)

    def send(request, **_):
        http = received(request)
        wire, operation = protocol(model, http), None
        try:
            operation = wire.operation(http)
            given = wire.parse(operation, http)
            if operation.input_shape:
                validate(operation.input_shape, given, service.INVALID)
            call = Call(
                cloud.store,
                CountingIds(),
                Settings(),
                name,
                ACCOUNT,
                region,
                cloud.clock.now(),
                ADMIN,
                "r",
                http,
                {},
                None,
            )
            answer = wire.answer(operation, perform(service, operation.name, call, given) or {}, "r")
        except AwsError as error:
            answer = wire.refuse(operation, error, "r", http)
        return AWSResponse(request.url, answer.status, answer.headers, Body(answer.body))

    config = Config(parameter_validation=False, retries={"max_attempts": 0})
    client = boto3.client(name, region_name=region, aws_access_key_id="x", aws_secret_access_key="x", config=config)
    client.meta.events.register("before-send", send)
    return client


def received(request):
    url, body = urlsplit(request.url), request.body or b""
    headers = {k.lower(): v.decode() if isinstance(v, bytes) else v for k, v in request.headers.items()}
    return HttpRequest(
        request.method, url.path or "/", url.query, headers, body.encode() if isinstance(body, str) else body
    )


def perform(service, operation, call, given):
    methods = (getattr(resource(), xform_name(operation), None) for resource in service.RESOURCES)
    errors = getattr(service, "ERRORS", {})
    try:
        return next(filter(None, methods))(call, given)
    except tuple(errors) as error:
        raise errors[type(error)](*error.args) from None
