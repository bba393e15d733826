"""Tuning jobs whose training jobs the test acts: what they print and how they end."""

import pytest
from services.sagemaker.acted import ROLE, XGBOOST

NAME = "tuner"
STEPS = 8  # steps in which every training job under way goes on to its next turn


def continuous(name="eta", low="0.01", high="0.9", **members):
    return {"Name": name, "MinValue": low, "MaxValue": high} | members


def definition(**members):
    return {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://sagemaker-data/out"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "StaticHyperParameters": {"num_round": "10"},
    } | members


def config(jobs=4, parallel=2, ranges=None, **members):
    limits = {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel} | members.pop("limits", {})
    return {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
        "ResourceLimits": limits,
        "ParameterRanges": ranges or {"ContinuousParameterRanges": [continuous()]},
        "RandomSeed": 7,
    } | members


def request(name=NAME, definition=definition(), more=None, **members):
    tuning = {"HyperParameterTuningJobName": name, "HyperParameterTuningJobConfig": config(**members)}
    return tuning | {"TrainingJobDefinition": definition} | (more or {})


def described(sagemaker, name=NAME):
    return sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def children(sagemaker, name=NAME, **members):
    answer = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **members)
    return answer["TrainingJobSummaries"]


class Acting:
    """Ends training jobs: with an objective of their hyperparameters, printed after an epoch each."""

    def __init__(self, sagemaker, processes, steps):
        self.sagemaker, self.processes, self.steps = sagemaker, processes, steps

    def running(self):
        """Process by training job, of those that have not ended."""
        found = {launch.env["TRAINING_JOB_NAME"]: id for id, launch in self.processes.launched.items()}
        return {name: id for name, id in sorted(found.items()) if id not in self.processes.endings}

    def tuned(self, name):
        return self.sagemaker.describe_training_job(TrainingJobName=name)["HyperParameters"]

    def say(self, name, value, epoch=0):
        with self.processes.log(self.running()[name]).open("a") as file:
            file.write(f"[{epoch}]\ttrain-rmse:0.1\tvalidation-rmse:{value}\n")

    def end(self, name, value=None, code=0):
        id = self.running()[name]
        if value is not None:
            self.say(name, value)
        self.processes.end(code, id)

    def round(self, objective=lambda tuned: float(tuned["eta"]), code=0):
        """Ends whatever runs, and goes on until the next training jobs run."""
        for name in self.running():
            self.end(name, objective(self.tuned(name)) if objective else None, code)
        self.steps(STEPS)

    def all(self, name=NAME, rounds=30, **members):
        """Until the tuning job has ended: its description."""
        for _ in range(rounds):
            if (doc := described(self.sagemaker, name))["HyperParameterTuningJobStatus"] not in (
                "InProgress",
                "Stopping",
            ):
                return doc
            self.round(**members)
        raise AssertionError(f"it did not end: {doc}")


@pytest.fixture
def acting(sagemaker, processes, steps):
    return Acting(sagemaker, processes, steps)


@pytest.fixture
def tune(sagemaker, steps):
    def tune(*given, **members):
        arn = sagemaker.create_hyper_parameter_tuning_job(**request(*given, **members))["HyperParameterTuningJobArn"]
        steps(STEPS)
        return arn

    return tune


def values(sagemaker, name=NAME):
    found = sorted(children(sagemaker, name, MaxResults=100), key=lambda each: each["TrainingJobName"])
    return [each["TunedHyperParameters"] for each in found]
