"""A trail that delivers, and what it has delivered."""

import pytest
from conftest import connect


@pytest.fixture
def logging(trail):
    """A trail that is logging, with log file validation."""
    trail.create_trail(Name="audit", S3BucketName="the-logs", EnableLogFileValidation=True)
    trail.start_logging(Name="audit")
    return trail


def objects(cloud, part):
    found = connect(cloud, "s3").list_objects_v2(Bucket="the-logs")["Contents"]
    return sorted(each["Key"] for each in found if f"/{part}/" in each["Key"])
