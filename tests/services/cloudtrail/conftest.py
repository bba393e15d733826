import gzip
import json

import pytest
from conftest import connect
from services.cloudtrail.bucketed import logging  # noqa: F401  (fixture)
from trail_steps import receiving

from skylab.compute.supervisor import PULSE


@pytest.fixture
def trail(cloud):
    """A client, and a bucket for its logs."""
    receiving(connect(cloud, "s3"), "the-logs")
    return connect(cloud, "cloudtrail")


@pytest.fixture
def passes(cloud, clock):
    """passes(seconds=61): time goes by, and the supervisor does what is due."""

    def go(**delta):
        clock.advance(**delta)
        while cloud.supervisor.step(clock.now()) <= PULSE:
            pass

    return go


@pytest.fixture
def delivered(cloud):
    """delivered(): the records in a bucket, by the key of their log file."""

    def read(bucket="the-logs", prefix="AWSLogs/000000000000/CloudTrail/"):
        s3 = connect(cloud, "s3")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
        bodies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
        return {key: json.loads(gzip.decompress(body))["Records"] for key, body in bodies.items()}

    return read


@pytest.fixture
def names(delivered):
    """names(): of all delivered events, in order of delivery."""
    return lambda **where: [event["eventName"] for events in delivered(**where).values() for event in events]
