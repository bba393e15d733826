"""Kill -9 of a whole Skylab while a rule of Debugger looks at a training: the training goes on, the rule ends once.

The next Skylab, at the same port, takes both over. What a rule reads and what it says goes through that port.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

SKYLAB = [sys.executable, "-m", "skylab.cli"]
WRITES = """
import time
import numpy
from pathlib import Path
from skylab.images.debugging.configuration import Collection, HookConfig, Saving
from skylab.images.debugging.steps import Steps
saving = {mode: Saving(1) for mode in ("TRAIN", "EVAL", "PREDICT", "GLOBAL")}
steps = Steps(HookConfig(Path(base) / "output/tensors", [Collection("losses", ["loss"], saving)]))
for step in range(13):
    steps.open(step, "TRAIN", step)
    steps.put("loss_output_0", numpy.asarray(20.0 - step if step < 9 else 5.0))
    steps.close()
    time.sleep(0.5)
"""
RUNS = """
import json, os
base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
exec(json.loads(json.load(open(base + "/input/config/hyperparameters.json"))["script"]))
"""
ASKS = """
import json, sys, time, boto3
what, given = json.loads(sys.argv[1])
sagemaker, s3 = boto3.client("sagemaker"), boto3.client("s3")
if what == "create":
    s3.create_bucket(Bucket="sagemaker-data")
    sagemaker.create_training_job(**given)
elif what == "rules":
    told = sagemaker.describe_training_job(TrainingJobName="job")
    print(json.dumps([told["TrainingJobStatus"], told["DebugRuleEvaluationStatuses"]], default=str))
else:
    jobs = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    logs = boto3.client("logs").filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs")["events"]
    print(json.dumps([[job["ProcessingJobName"] for job in jobs], [event["message"] for event in logs]]))
"""
ROLE = "arn:aws:iam::000000000000:role/AmazonSageMaker-ExecutionRole"
REGISTRY = "1.dkr.ecr.us-east-1.amazonaws.com"
OUT = "s3://sagemaker-data/out"


def asked(root, what, **given):
    argv = [*SKYLAB, "exec", "--root", root, "--", sys.executable, "-c", ASKS, json.dumps([what, given])]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=40)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


def up(root, port):
    subprocess.run([*SKYLAB, "up", "--root", root, "--port", str(port), "--detach"], check=True, timeout=60)
    return json.loads((Path(root) / "server.json").read_text())["pid"]


def until(told, seconds=40):
    end = time.monotonic() + seconds
    while not (found := told()):
        assert time.monotonic() < end
        time.sleep(0.3)
    return found


@pytest.mark.slow
def test_a_rule_that_a_kill_interrupts_is_evaluated_once(tmp_path):
    pytest.importorskip("xgboost")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    root = str(tmp_path / "root")
    killed = up(root, port)
    rule = {"rule_to_invoke": "LossNotDecreasing", "num_steps": "2"}
    job = {
        "TrainingJobName": "job",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": f"{REGISTRY}/sagemaker-xgboost:1.7-1",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": [sys.executable, "-c", "; ".join(RUNS.split("\n")[1:-1])],
        },
        "HyperParameters": {"script": json.dumps(WRITES)},
        "OutputDataConfig": {"S3OutputPath": OUT},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "DebugHookConfig": {"S3OutputPath": OUT, "CollectionConfigurations": [{"CollectionName": "losses"}]},
        "DebugRuleConfigurations": [
            {
                "RuleConfigurationName": "Loss",
                "RuleEvaluatorImage": f"{REGISTRY}/sagemaker-debugger-rules:latest",
                "RuleParameters": rule,
            }
        ],
    }
    try:
        asked(root, "create", **job)
        until(lambda: "RuleEvaluationJobArn" in asked(root, "rules")[1][0])
        time.sleep(1)
        os.kill(killed, signal.SIGKILL)
        time.sleep(1)
        up(root, port)
        status, (told,) = until(
            lambda: (
                (found := asked(root, "rules"))[0] == "Completed"
                and found[1][0]["RuleEvaluationStatus"] != "InProgress"
                and found
            )
        )

        assert told["RuleEvaluationStatus"] == "IssuesFound", told
        assert "the rule LossNotDecreasing at step 12 resulted" in told["StatusDetails"]
        jobs, messages = asked(root, "processed")
        assert len(jobs) == 1
        assert len([message for message in messages if "LossNotDecreasing, at step" in message]) == 1, messages
    finally:
        subprocess.run([*SKYLAB, "down", "--root", root], timeout=60)
