"""The training jobs of a tuning job, as ListTrainingJobsForHyperParameterTuningJob shows them: a document for each.

They outlive what they tell of: a training job may be deleted, its result stays. Under _ is what only the search knows:
    definition   its place among the tuning job's definitions
    series       the objective as it was printed, epoch by epoch, where something depends on it
    places       how far each host's log was read for it
    rungs        of Hyperband: Optuna's notes of the rungs it has reached
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.tuning.ranges import Inner, Range
from skylab.services.sagemaker.tuning.search import Tried

TYPE = "tuning-trial"
OVER = ("Completed", "Failed", "Stopped")


def key(tuning: Key, number: int) -> Key:
    return tuning._replace(type=TYPE, name=f"{tuning.name}/{number:05d}")


def every(tx: Transaction, tuning: Key) -> list[dict[str, Any]]:
    """In the order of their numbers."""
    return list(tx.all(tuning.account, tuning.region, tuning.service, TYPE, f"{tuning.name}/"))


def made(child: dict[str, Any], tuning: Key, definition: dict[str, Any], index: int, tuned: dict[str, str]) -> Any:
    """The document of a training job that was just made."""
    named = {"TrainingJobDefinitionName": definition["DefinitionName"]} if "DefinitionName" in definition else {}
    return named | {
        "TrainingJobName": child["TrainingJobName"],
        "TrainingJobArn": child["TrainingJobArn"],
        "TuningJobName": tuning.name,
        "CreationTime": child["CreationTime"],
        "TrainingJobStatus": "InProgress",
        "TunedHyperParameters": tuned,
        "ObjectiveStatus": "Pending",
        "_": {"definition": index, "series": [], "places": {}, "rungs": {}},
    }


def delete(tx: Transaction, tuning: Key) -> None:
    tx.db.execute(
        "delete from resource where (account, region, service, type) = (?, ?, ?, ?) and substr(name, 1, ?) = ?",
        (*tuning[:3], TYPE, len(tuning.name) + 1, f"{tuning.name}/"),
    )


def followed(trial: dict[str, Any], child: dict[str, Any] | None) -> dict[str, Any]:
    """The trial with what its training job tells now."""
    if child is None:
        return trial
    members = ("TrainingJobStatus", "TrainingStartTime", "TrainingEndTime", "FailureReason")
    return trial | {member: child[member] for member in members if member in child}


def settled(trial: dict[str, Any], child: dict[str, Any] | None, objective: dict[str, Any]) -> dict[str, Any]:
    """The trial at the end of its training job. One that was deleted before it was looked at has no result."""
    trial = followed(trial, child) if child else trial | {"TrainingJobStatus": "Stopped"}
    metrics = {each["MetricName"]: each["Value"] for each in (child or {}).get("FinalMetricDataList", [])}
    value = metrics.get(objective["MetricName"])
    if value is None or trial["TrainingJobStatus"] == "Failed":
        return trial | {"ObjectiveStatus": "Failed"}
    final = {"Type": objective["Type"], "MetricName": objective["MetricName"], "Value": value}
    return trial | {"ObjectiveStatus": "Succeeded", "FinalHyperParameterTuningJobObjectiveMetric": final}


def value(trial: dict[str, Any]) -> float | None:
    """Its objective, once it has one."""
    final = trial.get("FinalHyperParameterTuningJobObjectiveMetric")
    return None if final is None else final["Value"]


def tried(known: Iterable[dict[str, Any]], ranges: list[Range]) -> list[Tried]:
    """What a search in these ranges learns of them: those that run or have a result, and lie within."""
    found = []
    for trial in known:
        tuned = trial["TunedHyperParameters"]
        values = {each.name: each.inner(tuned.get(each.name)) for each in ranges}
        inside: dict[str, Inner] = {name: inner for name, inner in values.items() if inner is not None}
        if len(inside) == len(ranges) and trial["ObjectiveStatus"] != "Failed":
            found.append(Tried(inside, value(trial)))
    return found
