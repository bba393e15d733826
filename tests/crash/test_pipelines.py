"""Kill -9 of the cloud in the middle of an execution: no step is lost and none is done twice.

A child opens the cloud, starts train → train → model → register → condition, and ends itself by SIGKILL
at the effect that a test names. The next cloud goes on: each job ran once, one model and one package are there.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import connect
from endpoint_steps import until
from services.sagemaker.acted import ROLE, XGBOOST
from services.sagemaker.drawn import condition, create, get, listed, status, training

from crash.kills import SOURCE, TESTS
from skylab.cloud import Cloud
from skylab.settings import Settings

DYING = """
import json, os, signal, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from conftest import connect
from skylab.cloud import Cloud
from skylab.services.sagemaker.pipelines import acts, caching, calls, records, work
from skylab.settings import Settings

def end():
    os.kill(os.getpid(), signal.SIGKILL)

root, owner, name, when, count = json.loads(sys.argv[3])
cloud = Cloud(Path(root), Settings(fallback=False))
if owner:
    place, left = eval(owner), [count]
    real = getattr(place, name)

    def step(*given, **more):
        left[0] -= 1
        if when == "before" and not left[0]:
            end()
        answer = real(*given, **more)
        if not left[0]:
            end()
        return answer

    setattr(place, name, step)
connect(cloud, "sagemaker").start_pipeline_execution(PipelineName="p")
if not owner:
    end()
cloud.start()
time.sleep(60)
"""

# whose, its name, before or after it, at which call of it: the steps are train 1, train 2, model 3, register 4
QUICK = [
    ("calls.Caller", "create", "after", 2),
    ("calls.Caller", "create", "after", 4),
    ("acts.Act", "end", "before", 1),
]
OTHERS = [
    ("", "", "", 0),
    ("records", "begin", "after", 1),
    ("work.Executor", "_begin", "after", 1),
    ("calls.Caller", "create", "before", 1),
    ("calls.Caller", "create", "after", 1),
    ("calls.Caller", "create", "after", 3),
    ("calls.Caller", "describe", "before", 1),
    ("calls.Caller", "describe", "after", 4),
    ("records", "succeed", "after", 1),
    ("caching", "remember", "after", 2),
    ("acts.Act", "end", "after", 1),
    ("acts.Act", "_condition", "before", 1),
    ("acts.Act", "_condition", "after", 1),
]
POINTS = [*QUICK, *(pytest.param(point, marks=pytest.mark.slow) for point in OTHERS)]


def named(point):
    return "-".join(str(part) for part in point if part) or "acknowledged"


def steps(port):
    script = f"exec 3<>/dev/tcp/127.0.0.1/{port}; echo m > ${{SAGEMAKER_BASE_DIR:-/opt/ml}}/model/m"
    algorithm = {
        "TrainingImage": XGBOOST,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["/bin/bash", "-c", script],
    }
    model = get("Steps.B.ModelArtifacts.S3ModelArtifacts")
    container = {"Image": XGBOOST, "ModelDataUrl": model}
    inference = {
        "Containers": [container], "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]
    }  # fmt: skip
    package = {"ModelPackageGroupName": "g", "InferenceSpecification": inference}
    return [
        training("A", arguments={"AlgorithmSpecification": algorithm}),
        training("B", ["A"], arguments={"AlgorithmSpecification": algorithm}),
        {"Name": "M", "Type": "Model", "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": container}},
        {"Name": "R", "Type": "RegisterModel", "Arguments": package, "DependsOn": ["M"]},
        condition("C", DependsOn=["R"]),
    ]


def opened(root):
    return Cloud(root, Settings(fallback=False, describe_hold_seconds=0))


@pytest.mark.parametrize("point", POINTS, ids=named)
def test_a_kill_in_the_middle_of_an_execution_loses_no_step_and_repeats_none(tmp_path, counter, point):
    root = Path(tmp_path / "root")
    cloud = opened(root)
    connect(cloud, "s3").create_bucket(Bucket="sagemaker-data")
    create(connect(cloud, "sagemaker"), *steps(counter.port))
    cloud.stop()

    argv = [sys.executable, "-c", DYING, SOURCE, TESTS, json.dumps([str(root), *point])]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=50)
    assert ended.returncode == -9, ended.stderr

    cloud = opened(root)
    cloud.start()
    sagemaker = connect(cloud, "sagemaker")
    try:
        runs = sagemaker.list_pipeline_executions(PipelineName="p")["PipelineExecutionSummaries"]
        assert len(runs) == 1
        execution = runs[0]["PipelineExecutionArn"]
        until(lambda: status(sagemaker, execution) != "Executing")
        done = listed(sagemaker, execution)
        assert status(sagemaker, execution) == "Succeeded", done
        assert [(step["StepStatus"], step["AttemptCount"]) for step in done.values()] == [("Succeeded", 1)] * 5
        assert counter.count == 2
        jobs = sagemaker.list_training_jobs()["TrainingJobSummaries"]
        assert {job["TrainingJobArn"] for job in jobs} == {
            done[name]["Metadata"]["TrainingJob"]["Arn"] for name in "AB"
        }
        assert len(sagemaker.list_models()["Models"]) == 1
        packages = sagemaker.list_model_packages(ModelPackageGroupName="g")["ModelPackageSummaryList"]
        assert [each["ModelPackageVersion"] for each in packages] == [1]
    finally:
        cloud.stop()
