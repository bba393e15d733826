"""Training jobs on several instances, with real processes: they reach one another by name, and learn as one does."""

import re
from pathlib import Path

import pytest
from compute.programs import until
from conftest import connect
from services.sagemaker.acted import REGION, channel, request

PYTORCH = f"763104351884.dkr.ecr.{REGION}.amazonaws.com/pytorch-training:2.3-cpu-py311"
SKLEARN = f"683313688378.dkr.ecr.{REGION}.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
SCRIPT = Path(__file__).parents[2] / "clients" / "distributed" / "train.py"
MEET = """
import json, os, socket, time
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
with open(base + "/input/config/resourceconfig.json") as file:
    told = json.load(file)
if told["current_host"] == told["hosts"][0]:
    listening = socket.create_server((told["hosts"][0], 7777))
    names = sorted(listening.accept()[0].recv(100).decode() for _ in told["hosts"][1:])
    print("met", *names, flush=True)
else:
    for _ in range(200):
        try:
            with socket.create_connection((told["hosts"][0], 7777)) as call:
                call.sendall(socket.gethostname().encode())
            break
        except OSError:
            time.sleep(0.05)
"""
ENDED = ("Completed", "Failed", "Stopped")


def ended(sagemaker, name):
    def found():
        doc = sagemaker.describe_training_job(TrainingJobName=name)
        return doc if doc["TrainingJobStatus"] in ENDED else None

    return until(found, seconds=100)


def said(cloud, name):
    group = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": f"{name}/"}
    return [event["message"] for event in connect(cloud, "logs").filter_log_events(**group)["events"]]


def run(cloud, name, image, script, instances, isolated, **parameters):
    """A job that runs the script, which comes in a channel: an isolated job fetches nothing."""
    s3, sagemaker = connect(cloud, "s3"), connect(cloud, "sagemaker")
    s3.create_bucket(Bucket="sagemaker-data")
    s3.put_object(Bucket="sagemaker-data", Key="code/train.py", Body=script)
    told = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "/opt/ml/input/data/code"}
    sagemaker.create_training_job(**request(
        name, algorithm={"TrainingImage": image}, HyperParameters=told | parameters,
        InputDataConfig=[channel("code", "s3://sagemaker-data/code/")], EnableNetworkIsolation=isolated,
        ResourceConfig={"InstanceCount": instances, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
    ))  # fmt: skip
    doc = ended(sagemaker, name)
    assert doc["TrainingJobStatus"] == "Completed", doc.get("FailureReason")


@pytest.mark.parametrize("isolated", [False, True], ids=["open", "isolated"])
def test_the_instances_of_a_job_reach_one_another_by_name(real_cloud, isolated):
    run(real_cloud, "job", SKLEARN, MEET.encode(), 3, isolated)
    assert "met algo-2 algo-3" in said(real_cloud, "job")


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("isolated", [False, True], ids=["open", "isolated"])
def test_two_instances_have_the_loss_curve_of_one_with_the_same_global_batch(real_cloud, isolated):
    pytest.importorskip("torch")
    curves = []
    for instances in (1, 2):
        name, distributed = f"on-{instances}", {"sagemaker_torch_distributed_enabled": "true"}
        run(real_cloud, name, PYTORCH, SCRIPT.read_bytes(), instances, isolated, **distributed)
        text = "\n".join(said(real_cloud, name))
        curves.append([float(loss) for loss in re.findall(rf"world={instances} step=\d+ loss=([0-9.]+)", text)])
    one, two = curves
    assert len(one) == len(two) == 20 and one[-1] < 0.7 * one[0]
    assert two == pytest.approx(one, abs=1e-4)
