"""What does a step of a pipeline cost? Ten empty steps in a row, and the rest between a job's end and the next's start.

    python bench/pipelines.py [--rounds N]

Empty steps are Condition steps; those that call the API are Model steps. The peers run the same graph from environments
of their own (bench/peers/): Metaflow starts a process for each step, Prefect calls a function in its own.
"""

import argparse
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from tools.clouds import folder, python_of, skylab
from tools.figures import Table
from tools.jobs import BUCKET, XGBOOST, Jobs

PEERS = Path(__file__).parent / "peers"
STEPS = 10
TRUE = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}


def chain(type: str, arguments: dict[str, Any], count: int = STEPS) -> str:
    steps = [{"Name": f"S{n}", "Type": type, "Arguments": arguments} for n in range(count)]
    for n, step in enumerate(steps[1:]):
        step["DependsOn"] = [f"S{n}"]
    return json.dumps({"Version": "2020-12-01", "Steps": steps})


class Pipelines:
    def __init__(self, jobs: Jobs) -> None:
        self.sagemaker, self.role = jobs.sagemaker, jobs.role

    def run(self, name: str, text: str) -> tuple[float, list[dict[str, Any]]]:
        """Seconds from the call to the first Describe that says Succeeded, and the steps, oldest first."""
        self.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=self.role)
        begin = time.perf_counter()
        arn = self.sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
        while (status := self._status(arn)) == "Executing":
            time.sleep(0.005)
        seconds = time.perf_counter() - begin
        steps = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        if status != "Succeeded":
            raise SystemExit(f"{name}: {status} {steps[0].get('FailureReason')}")
        return seconds, steps[::-1]

    def _status(self, arn: str) -> str:
        return str(self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"])

    def rests(self, steps: list[dict[str, Any]]) -> list[float]:
        """Seconds between the end of one job and the creation of the next."""
        names = [step["Metadata"]["TrainingJob"]["Arn"].partition("/")[2] for step in steps]
        listed = {job["TrainingJobArn"].partition("/")[2]: job for job in self._jobs()}
        ends = [listed[name]["TrainingEndTime"] for name in names]
        begins = [listed[name]["CreationTime"] for name in names]
        return [(begin - end).total_seconds() for end, begin in zip(ends[:-1], begins[1:], strict=True)]

    def _jobs(self) -> list[dict[str, Any]]:
        found = self.sagemaker.list_training_jobs(MaxResults=100, SortBy="CreationTime", SortOrder="Descending")
        return list(found["TrainingJobSummaries"])


def training(role: str) -> dict[str, Any]:
    """A job whose program does nothing."""
    algorithm = {"TrainingImage": XGBOOST, "TrainingInputMode": "File", "ContainerEntrypoint": ["/bin/true"]}
    return {
        "AlgorithmSpecification": algorithm,
        "RoleArn": role,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


def metaflow(rounds: int) -> list[float]:
    timings = []
    with folder() as root:
        env = os.environ | {"METAFLOW_USER": "bench", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(root)}
        for _ in range(rounds):
            begin = time.perf_counter()
            argv = [python_of("peers-metaflow"), PEERS / "flow_metaflow.py", "--quiet", "run"]
            subprocess.run(argv, cwd=root, env=env, check=True, capture_output=True)
            timings.append((time.perf_counter() - begin) / STEPS)
    return timings


def prefect(rounds: int) -> list[float]:
    with folder() as root:
        env = os.environ | {
            "PREFECT_HOME": str(root), "PREFECT_LOGGING_LEVEL": "ERROR", "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        }  # fmt: skip
        argv = [python_of("peers-prefect"), PEERS / "flow_prefect.py", str(rounds)]
        said = subprocess.run(argv, cwd=root, env=env, check=True, capture_output=True, text=True)
    return [float(line) / STEPS for line in said.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    table = Table("Pipelines")
    with skylab() as cloud:
        jobs = Jobs(cloud)
        pipelines = Pipelines(jobs)
        empty = chain("Condition", {"Conditions": [TRUE]})
        model = chain("Model", {"ExecutionRoleArn": jobs.role, "PrimaryContainer": {"Image": XGBOOST}})
        trained = chain("Training", training(jobs.role), 4)
        seconds = [pipelines.run(f"empty-{n}", empty)[0] / STEPS for n in range(rounds)]
        table.times("a step of ten empty ones in a row", "skylab", seconds, "<= 100 ms")
        for peer, run in [("metaflow", metaflow), ("prefect", prefect)]:
            if python_of(f"peers-{peer}").exists():
                table.times("a step of ten empty ones in a row", peer, run(rounds))
            else:
                print(f"{peer} is not installed, so there is no comparison with it: make peers.")
        seconds = [pipelines.run(f"model-{n}", model)[0] / STEPS for n in range(rounds)]
        table.times("a step that calls the API", "skylab", seconds, "<= 100 ms")
        rests = [rest for n in range(rounds) for rest in pipelines.rests(pipelines.run(f"trained-{n}", trained)[1])]
        table.times("from a job's end to the next's start", "skylab", rests, "<= 100 ms")


if __name__ == "__main__":
    main()
