import asyncio
import inspect
from dataclasses import replace

import pytest
from access_steps import People, unsigned
from botocore.exceptions import ClientError
from conftest import connect

from skylab.services.call import Principal
from skylab.wire.http import HttpRequest


class CloudS3:
    """The S3 of a cloud: clients of any region, and what lies behind its door."""

    def __init__(self, cloud):
        self.cloud, self.clock, self.root = cloud, cloud.clock, cloud.root
        self.service = next(service for service in cloud.services if service.name == "s3")
        self.part = self.service.part

    def client(self, region="us-east-1", **config):
        key = self.cloud.account.credentials()
        config = {"s3": {"addressing_style": "path"}} | config
        keys = key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"]
        return self.cloud.transport.client("s3", region, *keys, **config)

    def call(self, account):
        """What an operation would be given by a caller of that account."""
        who = Principal(f"arn:aws:iam::{account}:root", account, account)
        return self.cloud.gateway.call(self.service, "us-east-1", who, HttpRequest("GET", "/", "", {}), "REQUEST")

    def perform(self, operation, request, account=None):
        """An operation without the door."""
        result = self.service.operations[operation](self.call(account or self.cloud.settings.account), request)
        return asyncio.run(result) if inspect.iscoroutine(result) else result

    def bodies(self):
        return [path for path in (self.root / "s3").glob("[bd]*/**/*") if path.is_file()]

    def later(self, **delta):
        """Time passes, and the keeper makes its round."""
        self.clock.advance(**delta)
        self.part["keeper"].step()


@pytest.fixture
def settings(settings):
    return replace(settings, region="us-east-1")


@pytest.fixture
def lone(cloud):
    return CloudS3(cloud)


@pytest.fixture
def s3(lone):
    """A client with a bucket named box, which takes customers' keys."""
    client = lone.client()
    client.create_bucket(Bucket="box")
    rule = {"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}
    client.put_bucket_encryption(Bucket="box", ServerSideEncryptionConfiguration={"Rules": [rule]})
    return client


@pytest.fixture
def kms(lone):
    return connect(lone.cloud, "kms", "us-east-1")


@pytest.fixture
def people(lone):
    return People(lone.cloud)


@pytest.fixture
def stranger(people):
    """A client of another account's user."""
    return people.eve


@pytest.fixture
def anonymous(lone):
    return unsigned(lone.cloud)


@pytest.fixture
def refused():
    """refused(call, **request) -> (code, status) of the error it ends in."""

    def attempt(call, **request):
        with pytest.raises(ClientError) as error:
            call(**request)
        said = error.value.response
        return said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]

    return attempt
