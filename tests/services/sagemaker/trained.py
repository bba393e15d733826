"""Training jobs as tests take them to their end, and what is read of them then."""

import io
import tarfile

import pytest
from conftest import connect
from services.sagemaker.acted import request

WHOLE = 6  # steps from the end of the last process to the end of the task


def described(sagemaker, name="job"):
    return sagemaker.describe_training_job(TrainingJobName=name)


def running(sagemaker, steps, **members):
    sagemaker.create_training_job(**request(**members))
    steps(3)


def statuses(doc):
    return [change["Status"] for change in doc["SecondaryStatusTransitions"]]


def archived(s3, key):
    body = s3.get_object(Bucket="sagemaker-data", Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def put(s3, *names):
    for name in names:
        s3.put_object(Bucket="sagemaker-data", Key=name, Body=name.encode())


@pytest.fixture
def data(real_cloud):
    s3 = connect(real_cloud, "s3")
    s3.create_bucket(Bucket="sagemaker-data")
    return s3
