"""An S3 alone, without a gateway: boto3's requests are decoded, answered and encoded in this thread."""

import asyncio
import inspect
from io import BytesIO
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from skylab.kernel.clock import CountingIds, TestClock
from skylab.kernel.store import Store
from skylab.services import s3 as service
from skylab.services.call import Call, Principal
from skylab.settings import Settings
from skylab.wire.chunked import verified
from skylab.wire.errors import AwsError
from skylab.wire.http import FileSpan, HttpRequest
from skylab.wire.model import service_model
from skylab.wire.protocols import protocol


class LoneS3:
    """One folder, opened; requests() of any account and region."""

    def __init__(self, root, clock=None, durability="kill"):
        self.root, self.clock, self.ids = root, clock or TestClock(), CountingIds()
        self.settings = Settings(durability=durability)
        self.store = Store(root / "state.db", durability)
        self.part = service.open(root, self.settings, self.clock)
        self.operations = {n: m for r in service.RESOURCES for n, m in inspect.getmembers(r()) if n[0] != "_"}

    def call(self, http, account="000000000000", region="us-east-1"):
        who = Principal(f"arn:aws:iam::{account}:root", account, account)
        return Call(
            self.store, self.ids, self.settings, "s3", account, region, self.clock.now(), who, "REQUEST", http,
            self.part, None,
        )  # fmt: skip

    def client(self, account="000000000000", region="us-east-1", **config):
        client = boto3.client(
            "s3", region_name=region, endpoint_url="http://localhost:4566", aws_access_key_id="a",
            aws_secret_access_key="b", 
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **config),
        )  # fmt: skip
        client.meta.events.register("before-send.s3", lambda request, **_: self.answer(request, account, region))
        return client

    def answer(self, sent, account, region):
        url = urlsplit(sent.url)
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in sent.headers.items()
        }
        body = sent.body.read() if hasattr(sent.body, "read") else sent.body or b""
        body = body.encode() if isinstance(body, str) else bytes(body)
        http = HttpRequest(sent.method, url.path, url.query, headers, body)
        answer = asyncio.run(self.serve(http, account, region))
        raw = answer.body
        if isinstance(raw, FileSpan):
            with raw.path.open("rb") as file:
                file.seek(raw.offset)
                raw = file.read(raw.length)
        response = AWSResponse(sent.url, answer.status, Headers(answer.headers), Raw(raw))
        return response

    async def serve(self, http, account, region):
        model = service_model("s3")
        wire = protocol(model, http)
        operation = None
        try:
            operation = wire.operation(http)
            if operation.name in ("PutObject", "UploadPart"):
                http.body = verified(http.body, http, None)
            request = wire.parse(operation, http)
            method = self.operations[_snake(operation.name)]
            result = method(self.call(http, account, region), request)
            result = await result if inspect.isawaitable(result) else result
            return wire.answer(operation, result or {}, "REQUEST")
        except AwsError as error:
            return wire.refuse(operation, error, "REQUEST", http)

    def close(self):
        self.part["keeper"].close()
        self.store.close()


class Raw(BytesIO):
    def stream(self, size=65536, **_):
        while piece := self.read(size):
            yield piece


def Headers(headers):
    from botocore.compat import HTTPHeaders

    return HTTPHeaders.from_dict(headers)


def _snake(name):
    from botocore import xform_name

    return xform_name(name)


@pytest.fixture
def lone(tmp_path):
    s3 = LoneS3(tmp_path)
    yield s3
    s3.close()


@pytest.fixture
def s3(lone):
    """A client with a bucket named box."""
    client = lone.client()
    client.create_bucket(Bucket="box")
    return client


@pytest.fixture
def refused():
    """refused(call, **request) -> (code, status) of the error it ends in."""

    def attempt(call, **request):
        from botocore.exceptions import ClientError

        with pytest.raises(ClientError) as error:
            call(**request)
        said = error.value.response
        return said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]

    return attempt
