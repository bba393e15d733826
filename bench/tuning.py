"""Does a tuning job search as well as Optuna does by itself, and what does a trial cost beside its training process?

python bench/tuning.py [--seeds N] [--trials N]

Search: the best value after so many trials of three standard functions, less their optimum, for many seeds: Optuna
called directly, and the search of our tuning jobs, which is asked anew for each trial. Trials: a tuning job whose
training jobs do nothing but print the function's value, one after the other; with the same seed it must choose what
the search alone chose, so that the first part speaks for the service.
"""

import argparse
import math
import os
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median, quantiles

import optuna
from tools.clouds import Cloud, skylab
from tools.figures import Table, percentile
from tools.jobs import BUCKET, SKLEARN, Jobs

from skylab.services.sagemaker.tuning.ranges import Range
from skylab.services.sagemaker.tuning.search import Search, Tried, derived

Ranges = dict[str, tuple[float, float]]
A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]
C = [1.0, 1.2, 3.0, 3.2]


def branin(x: dict[str, float]) -> float:
    a, b = x["aa"], x["bb"]
    bowl = (b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10 - 0.397887


def hartmann(x: dict[str, float]) -> float:
    point = [x[name] for name in sorted(x)]
    total = 0.0
    for weight, row, centre in zip(C, A, P, strict=True):
        distance = sum(a * (v - p) ** 2 for a, v, p in zip(row, point, centre, strict=True))
        total += weight * math.exp(-distance)
    return 3.32237 - total


def rosenbrock(x: dict[str, float]) -> float:
    return (1 - x["aa"]) ** 2 + 100 * (x["bb"] - x["aa"] ** 2) ** 2


FUNCTIONS: dict[str, tuple[Callable[[dict[str, float]], float], Ranges]] = {
    "Branin": (branin, {"aa": (-5, 10), "bb": (0, 15)}),
    "Hartmann 6": (hartmann, {name * 2: (0, 1) for name in "abcdef"}),
    "Rosenbrock": (rosenbrock, {"aa": (-2, 2), "bb": (-1, 3)}),
}
SCRIPT = """
import argparse, math
parser = argparse.ArgumentParser()
parser.add_argument("--aa", type=float)
parser.add_argument("--bb", type=float)
x = parser.parse_args()
bowl = (x.bb - 5.1 / (4 * math.pi**2) * x.aa * x.aa + 5 / math.pi * x.aa - 6) ** 2
print("value=%r" % (bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x.aa) + 10 - 0.397887))
"""


def directly(function: Callable[[dict[str, float]], float], ranges: Ranges, seed: int, trials: int) -> float:
    gaussian = find_spec("torch") and find_spec("scipy")
    sampler = optuna.samplers.GPSampler(seed=seed) if gaussian else optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda t: function({n: t.suggest_float(n, *ends) for n, ends in ranges.items()}), n_trials=trials)
    return study.best_value


def ours(function: Callable[[dict[str, float]], float], ranges: Ranges, seed: int, trials: int) -> list[float]:
    """The values, in the order in which they were tried."""
    search = Search("Bayesian", "Minimize", derived(f"{seed}/"), [Range(n, float, *ends) for n, ends in ranges.items()])
    past: list[Tried] = []
    for number in range(1, trials + 1):
        chosen = {name: float(text) for name, text in search.propose(number, past).items()}
        past.append(Tried(dict(chosen), function(chosen)))
    return [each.objective for each in past if each.objective is not None]


def quality(table: Table, seeds: int, trials: int) -> None:
    for name, (function, ranges) in FUNCTIONS.items():
        found: dict[str, list[float]] = {"skylab": [], "optuna": []}
        for seed in range(seeds):
            found["skylab"].append(min(ours(function, ranges, seed, trials)))
            found["optuna"].append(directly(function, ranges, seed, trials))
        for cloud, values in found.items():
            low, _, high = quantiles(values, n=4)
            ratio = f"{median(values) / median(found['optuna']):.2f} of Optuna's" if cloud == "skylab" else ""
            text = f"{median(values):.4f} ({low:.4f} .. {high:.4f})"
            table.value(f"{name}, {trials} trials", cloud, f"{text}  {ratio}")


def tuning_request(jobs: Jobs, name: str, trials: int) -> dict[str, object]:
    ends = FUNCTIONS["Branin"][1]
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/tuning/"}}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "RandomSeed": 1,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "value"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": name, "MinValue": str(low), "MaxValue": str(high), "ScalingType": "Linear"}
                    for name, (low, high) in ends.items()
                ]
            },
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {
                "TrainingImage": SKLEARN,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "value", "Regex": "value=([0-9.e-]+)"}],
            },
            "StaticHyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": "/opt/ml/input/data/code",
            },
            "InputDataConfig": [{"ChannelName": "code", "DataSource": source}],
            "RoleArn": jobs.role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }


def run(cloud: Cloud, trials: int) -> tuple[list[dict[str, object]], list[float], list[float]]:
    """The summaries of a tuning job's training jobs; of each the seconds from its creation to the next one's; and of
    these the ones in which its process ran."""
    jobs = Jobs(cloud)
    jobs.s3.put_object(Bucket=BUCKET, Key="tuning/train.py", Body=SCRIPT.encode())
    jobs.sagemaker.create_hyper_parameter_tuning_job(**tuning_request(jobs, "bench", trials))
    ask = {"HyperParameterTuningJobName": "bench"}
    describe = jobs.sagemaker.describe_hyper_parameter_tuning_job
    while (doc := describe(**ask))["HyperParameterTuningJobStatus"] == "InProgress":
        time.sleep(0.2)
    if doc["HyperParameterTuningJobStatus"] != "Completed":
        raise SystemExit(f"{doc['HyperParameterTuningJobStatus']}: {doc.get('FailureReason')}")
    pages = jobs.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    found = [each for page in pages.paginate(SortBy="CreationTime", **ask) for each in page["TrainingJobSummaries"]]
    times = [each["CreationTime"].timestamp() for each in found] + [doc["HyperParameterTuningEndTime"].timestamp()]
    whole = [after - before for before, after in zip(times, times[1:], strict=False)]
    return found, whole, [process(jobs, each["TrainingJobName"]) for each in found]


def process(jobs: Jobs, name: str) -> float:
    """Seconds in which a training job's process ran."""
    changes = jobs.sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatusTransitions"]
    return sum((c["EndTime"] - c["StartTime"]).total_seconds() for c in changes if c["Status"] == "Training")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--trials", type=int, default=30)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported; as the service does
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    table = Table("Tuning")
    if given.seeds:
        quality(table, given.seeds, given.trials)
    with skylab() as cloud:
        found, whole, processes = run(cloud, given.trials)
    values = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in found]  # type: ignore[index]
    alone = ours(*FUNCTIONS["Branin"], seed=1, trials=given.trials)
    same = all(math.isclose(one, other, rel_tol=1e-5) for one, other in zip(values, alone, strict=True))
    table.value("the service chose as the search did", "skylab", str(same), "True")
    table.times("a trial, from one to the next", "skylab", whole)
    table.times("  in which its process ran", "skylab", processes)
    beside = percentile([one - other for one, other in zip(whole, processes, strict=True)], 0.5)
    table.value("  beside its process", "skylab", f"{beside * 1e3:.0f} ms", "<= 500 ms")


if __name__ == "__main__":
    main()
