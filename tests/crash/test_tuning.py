"""Kill -9 of the cloud at each effect of a tuning job: every training job is made once, and no result is lost."""

import contextlib
import json

import pytest
from conftest import connect
from services.sagemaker.acted import REGION, ROLE
from services.sagemaker.tuned import children, config, definition

from crash.kills import Counter, killed, named, prepared

TUNING = "importlib.import_module('skylab.services.sagemaker.tuning.{}')"
JOBS = 3
STEPS = [
    ("", "", ""),
    (TUNING.format("launching") + ".Launching", "_launch", "before"),
    (TUNING.format("launching") + ".Launching", "_launch", "after"),
    (TUNING.format("trials"), "made", "after"),  # within the transaction that makes the training job
    (TUNING.format("progress"), "launched", "after"),
    (TUNING.format("trials"), "settled", "after"),  # within the one that takes its result
    (TUNING.format("work") + ".Turn", "_end", "before"),
    (TUNING.format("work") + ".Turn", "_end", "after"),
]
SCRIPT = """
import argparse, socket

parser = argparse.ArgumentParser()
parser.add_argument("-x", type=float)
parser.add_argument("--counter", type=int)
given = parser.parse_args()
socket.create_connection(("127.0.0.1", given.counter)).close()
print(f"loss={(given.x - 0.5) ** 2}")
"""


@pytest.fixture
def counter():
    with contextlib.closing(Counter()) as counter:
        yield counter


def asked(counter):
    """With its script in a channel: this cloud has no socket, so jobs have no credentials."""
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://sagemaker-data/code/"}}
    image = f"683313688378.dkr.ecr.{REGION}.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    metrics = [{"Name": "loss", "Regex": "loss=([0-9.e-]+)"}]
    one = definition(
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File", "MetricDefinitions": metrics},
        StaticHyperParameters={
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "/opt/ml/input/data/code",
            "counter": str(counter.port),
        },
        InputDataConfig=[{"ChannelName": "code", "DataSource": source}],
        RoleArn=ROLE,
    )
    return {
        "HyperParameterTuningJobName": "tuner",
        "HyperParameterTuningJobConfig": config(
            jobs=JOBS,
            parallel=2,
            ranges={"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]},
            HyperParameterTuningJobObjective={"Type": "Minimize", "MetricName": "loss"},
        ),
        "TrainingJobDefinition": one,
    }


QUICK = {"launched", "settled"}  # what they die in; the others are slow
KILLS = [pytest.param(step, marks=[] if step[1] in QUICK else [pytest.mark.slow]) for step in STEPS]


@pytest.mark.parametrize("step", KILLS, ids=lambda step: named(step).replace(TUNING.split("{")[0], ""))
def test_a_tuning_job_loses_and_repeats_nothing_whatever_kills_the_cloud(tmp_path, counter, step):
    cloud = prepared(tmp_path)
    s3 = connect(cloud, "s3")
    s3.create_bucket(Bucket="sagemaker-data")
    s3.put_object(Bucket="sagemaker-data", Key="code/train.py", Body=SCRIPT.encode())
    cloud.stop()
    owner, name, when = step
    imported = (owner.replace("importlib", "__import__('importlib')"), name, when)

    cloud = killed(tmp_path, "kill", "create_hyper_parameter_tuning_job", asked(counter), imported)
    cloud.start()
    try:
        sagemaker = connect(cloud, "sagemaker")
        doc = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuner")
        assert doc["HyperParameterTuningJobStatus"] == "Completed", json.dumps(
            [doc.get("FailureReason"), children(sagemaker)], default=str
        )
        assert doc["ObjectiveStatusCounters"] == {"Succeeded": JOBS, "Pending": 0, "Failed": 0}
        made = sagemaker.list_training_jobs()["TrainingJobSummaries"]
        assert counter.count == len(made) == len(children(sagemaker)) == JOBS
        tried = sorted(float(child["TunedHyperParameters"]["x"]) for child in children(sagemaker))
        assert len(set(tried)) == JOBS
    finally:
        cloud.stop()
