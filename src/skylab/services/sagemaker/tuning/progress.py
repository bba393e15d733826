"""How far a tuning job has come: its counters, its best training job, and whether it is time to end.

https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-progress.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from skylab.services.sagemaker.tuning import trials
from skylab.services.sagemaker.tuning.definitions import definitions, objective, searched

BETTER = 0.01  # of the best so far: what counts as an improvement, as AWS says
FIRST = 5  # training jobs: when none of the first has a result, none is expected any more
STEADY, STEADY_EACH = 10, 2  # training jobs without improvement that mean convergence: at least, for each range
NONE_DONE = (
    "No training job succeeded after {} attempts. For additional details, please take a look at the training job "
    "failures by listing training jobs for the tuning job."
)
NONE_FOUND = (
    "No objective metrics found after running {} training jobs. Please ensure that the custom algorithm is emitting "
    "the objective metric as defined by the regular expression provided."
)


def fresh() -> dict[str, Any]:
    """The members of a job that has not begun."""
    return {
        "TrainingJobStatusCounters": dict.fromkeys(
            ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0
        ),
        "ObjectiveStatusCounters": dict.fromkeys(("Succeeded", "Pending", "Failed"), 0),
        "TuningJobCompletionDetails": {"NumberOfTrainingJobsObjectiveNotImproving": 0},
    }


def better(type: str, one: float, other: float, by: float = 0.0) -> bool:
    return one < other - by if type == "Minimize" else one > other + by


def fresh_state(definitions: int, total: int) -> dict[str, Any]:
    """What a job keeps under _: the training jobs made by definition, those that run by number, how many failed.

    marks, bests: by objective, the value that an improvement is measured against, and the best one.
    """
    return {"made": [0] * definitions, "total": total, "running": {}, "failed": 0, "marks": {}, "bests": {}}


def launched(doc: dict[str, Any], number: int, name: str, index: int) -> dict[str, Any]:
    own = doc["_"]
    doc["TrainingJobStatusCounters"]["InProgress"] += 1
    doc["ObjectiveStatusCounters"]["Pending"] += 1
    own["made"][index] += 1
    own["running"][str(number)] = name
    return doc


def ended(doc: dict[str, Any], number: int, trial: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The tuning job's document after the end of one of its training jobs."""
    del doc["_"]["running"][str(number)]
    counters, objectives = doc["TrainingJobStatusCounters"], doc["ObjectiveStatusCounters"]
    counters["InProgress"] -= 1
    counters[_counted(trial)] += 1
    objectives["Pending"] -= 1
    objectives[trial["ObjectiveStatus"]] += 1
    if trial["TrainingJobStatus"] == "Failed":
        doc["_"]["failed"] += 1
    if trials.value(trial) is not None:
        _judge(doc, trial, now)
    return doc


def _counted(trial: dict[str, Any]) -> str:
    if trial["TrainingJobStatus"] != "Failed":
        return str(trial["TrainingJobStatus"])
    internal = trial.get("FailureReason", "").startswith("InternalServerError")
    return "RetryableError" if internal else "NonRetryableError"


def _judge(doc: dict[str, Any], trial: dict[str, Any], now: datetime) -> None:
    """Objectives that differ are not compared: each has its best, and only a single one makes a BestTrainingJob."""
    final = trial["FinalHyperParameterTuningJobObjectiveMetric"]
    kind, type, value = f"{final['Type']} {final['MetricName']}", final["Type"], final["Value"]
    details, marks, bests = doc["TuningJobCompletionDetails"], doc["_"]["marks"], doc["_"]["bests"]
    if kind not in bests or better(type, value, bests[kind]):
        bests[kind] = value
    mark = marks.get(kind)
    if mark is None or better(type, value, mark, by=abs(mark) * BETTER):
        marks[kind] = value
        details["NumberOfTrainingJobsObjectiveNotImproving"] = 0
    else:
        details["NumberOfTrainingJobsObjectiveNotImproving"] += 1
    if details["NumberOfTrainingJobsObjectiveNotImproving"] >= _steady(doc):
        details.setdefault("ConvergenceDetectedTime", now)
    if not comparable(doc):
        return
    shown = {member: content for member, content in trial.items() if member != "_"}
    places = ["BestTrainingJob"]
    if doc.get("WarmStartConfig", {}).get("WarmStartType") == "IdenticalDataAndAlgorithm":
        places.append("OverallBestTrainingJob")
    for place in places:
        best = trials.value(doc.get(place, {}))
        if best is None or better(type, value, best):
            doc[place] = shown


def comparable(doc: dict[str, Any]) -> bool:
    every = [objective(doc, each) for each in definitions(doc)]
    return all(each == every[0] for each in every)


def _steady(doc: dict[str, Any]) -> int:
    return max(STEADY, STEADY_EACH * max(len(searched(doc, each)) for each in definitions(doc)))


def ending(doc: dict[str, Any], now: datetime) -> dict[str, str] | None:
    """The status that it is time to come to, and the FailureReason; None while there is more to try."""
    config = doc["HyperParameterTuningJobConfig"]
    criteria = config.get("TuningJobCompletionCriteria", {})
    over = sum(doc["TrainingJobStatusCounters"].values()) - len(doc["_"]["running"])
    done = sum(doc["_"]["made"]) == doc["_"]["total"] and not doc["_"]["running"]
    if not doc["ObjectiveStatusCounters"]["Succeeded"] and (over >= FIRST or done):
        words = NONE_DONE if doc["_"]["failed"] == over else NONE_FOUND
        return {"status": "Failed", "reason": words.format(over)}
    details, limit = doc["TuningJobCompletionDetails"], config["ResourceLimits"].get("MaxRuntimeInSeconds")
    not_improving = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    completes = criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled"
    reached = (
        done,
        limit is not None and (now - doc["CreationTime"]).total_seconds() >= limit,
        "TargetObjectiveMetricValue" in criteria and _target_met(doc, criteria["TargetObjectiveMetricValue"]),
        not_improving is not None and details["NumberOfTrainingJobsObjectiveNotImproving"] >= not_improving,
        completes and "ConvergenceDetectedTime" in details,
    )
    return {"status": "Completed"} if any(reached) else None


def _target_met(doc: dict[str, Any], target: float) -> bool:
    best = [(kind.partition(" ")[0], value) for kind, value in doc["_"]["bests"].items()]
    return any(not better(type, target, value) for type, value in best)
