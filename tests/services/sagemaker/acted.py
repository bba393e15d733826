"""A cloud whose training processes are the test's: it says when they end, what they print and leave behind."""

from pathlib import Path

import pytest
from conftest import connect

from skylab.compute.processes import Ending

REGION, ACCOUNT = "us-east-1", "000000000000"
XGBOOST = f"1.dkr.ecr.{REGION}.amazonaws.com/sagemaker-xgboost:1.7-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/AmazonSageMaker-ExecutionRole"


class ActedProcesses:
    """Processes whose log is a file and whose end is a word of the test. They obey signals as they are told to."""

    def __init__(self, folder):
        self.folder, self.launched, self.endings, self.signals = folder, {}, {}, []
        self.stubborn = False  # goes on after SIGTERM
        self.count = 0

    def start(self, id, launch):
        self.launched.setdefault(id, launch)

    def ending(self, id):
        return self.endings.get(id)

    def alive(self, id):
        return id in self.launched and id not in self.endings

    def began(self, id):
        return 1.0 if id in self.launched else None

    def stop(self, id, hard=False):
        if self.alive(id):
            self.signals.append((id.split("/")[-1], "KILL" if hard else "TERM"))
            if hard or not self.stubborn:
                self.end(-9 if hard else -15, id)

    def log(self, id):
        return self.folder / (id.replace("/", "_") + ".log")

    def forget(self, id):
        self.launched.pop(id, None)
        self.endings.pop(id, None)

    # -- the test's side

    def one(self, host="algo-1"):
        return next(id for id in self.launched if id.endswith(f"/{host}"))

    def ml(self, host="algo-1"):
        return Path(self.launched[self.one(host)].root)

    def say(self, text, host="algo-1"):
        with self.log(self.one(host)).open("a") as file:
            file.write(text)

    def end(self, exit_code, id=None):
        self.count += 1
        self.endings[id or self.one()] = Ending(exit_code, ended=float(self.count), started=0.0)


@pytest.fixture
def processes(tmp_path):
    return ActedProcesses(tmp_path)


@pytest.fixture
def s3(cloud):
    s3 = connect(cloud, "s3")
    s3.create_bucket(Bucket="sagemaker-data")
    return s3


@pytest.fixture
def sagemaker(cloud, s3):
    return connect(cloud, "sagemaker")


@pytest.fixture
def steps(cloud, clock):
    def steps(count=1, **delta):
        """So many looks of the supervisor, each a while after the one before."""
        for _ in range(count):
            cloud.supervisor.step(clock.advance(**(delta or {"seconds": 1})))

    return steps


def channel(name="train", uri="s3://sagemaker-data/train/", **members):
    source = {"S3DataType": "S3Prefix", "S3Uri": uri} | members.pop("source", {})
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}} | members


def request(name="job", **members):
    algorithm = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"} | members.pop("algorithm", {})
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": algorithm,
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://sagemaker-data/out"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    } | members


def keys(s3, prefix=""):
    return [item["Key"] for item in s3.list_objects_v2(Bucket="sagemaker-data", Prefix=prefix).get("Contents", [])]
