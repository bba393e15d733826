"""What a tuning job learns from others that have ended, its parents.

Of parents with identical data and algorithm all results are ours: the search goes on from them. Where the data differ
(transfer learning) their values do not compare with ours, but what was good there is worth trying first.
https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-warm-start.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.tuning import progress, trials
from skylab.services.sagemaker.tuning.definitions import definitions, objective, searched
from skylab.services.sagemaker.tuning.limits import exceeded
from skylab.services.sagemaker.tuning.ranges import Range
from skylab.wire.errors import invalid

TYPE = "tuning-start"  # the document of what was taken over, by the tuning job's name: parents may be deleted
ENDED = ("Completed", "Failed", "Stopped")
MOST_JOBS, MOST_CHANGES = 500, 10
FIRST = 5  # training jobs that transfer learning begins with
IDENTICAL = "IdenticalDataAndAlgorithm"


def parents(tx: Transaction, key: Key, doc: dict[str, Any]) -> list[dict[str, Any]]:
    """Their documents. Raises AwsError for one that cannot be a parent of this job."""
    config = doc["WarmStartConfig"]
    if doc["HyperParameterTuningJobConfig"]["Strategy"] not in ("Bayesian", "Random"):
        raise invalid("WarmStartConfig is supported for the Bayesian and the Random strategy only.")
    names = [parent["HyperParameterTuningJobName"] for parent in config["ParentHyperParameterTuningJobs"]]
    if len(set(names)) < len(names):
        raise invalid("The parent hyperparameter tuning jobs must be distinct.")
    found = [tx.find(key._replace(name=name)) for name in names]
    for name, parent in zip(names, found, strict=True):
        if parent is None or parent["HyperParameterTuningJobStatus"] not in ENDED:
            raise invalid(f"The parent hyperparameter tuning job {name} must exist, and have ended.")
        for definition in definitions(doc):
            _check(doc, definition, parent, counterpart(parent, definition), config["WarmStartType"])
    every = [parent for parent in found if parent is not None]
    jobs = doc["_"]["total"] + sum(sum(parent["_"]["made"]) for parent in every)
    if jobs > MOST_JOBS:
        raise exceeded("Number of training jobs of a warm start tuning job and its parents", MOST_JOBS, jobs)
    return every


def counterpart(parent: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    """The parent's definition of the same name. Raises AwsError."""
    for each in definitions(parent):
        if each.get("DefinitionName") == definition.get("DefinitionName"):
            return each
    raise invalid(f"The parent {parent['HyperParameterTuningJobName']} has no training job definition of this name.")


def _check(doc: Any, definition: dict[str, Any], parent: Any, theirs: dict[str, Any], type: str) -> None:
    name = parent["HyperParameterTuningJobName"]
    if objective(doc, definition) != objective(parent, theirs):
        raise invalid(f"The objective metric must be the same as that of the parent hyperparameter tuning job {name}.")
    ours, static = {each.name for each in searched(doc, definition)}, set(definition["StaticHyperParameters"])
    before, fixed = {each.name for each in searched(parent, theirs)}, set(theirs["StaticHyperParameters"])
    if len(ours | static) != len(before | fixed):
        raise invalid(
            f"The total number of static and tunable hyperparameters must be that of the parent tuning job {name}."
        )
    if len(ours ^ before) > MOST_CHANGES:
        raise invalid(f"More than {MOST_CHANGES} hyperparameters changed between static and tunable since {name}.")
    same = ("TrainingImage", definition["AlgorithmSpecification"], theirs["AlgorithmSpecification"])
    if type == IDENTICAL and same[1]["TrainingImage"] != same[2]["TrainingImage"]:
        raise invalid(f"IdenticalDataAndAlgorithm needs the training image of the parent tuning job {name}.")
    if type == IDENTICAL and definition.get("InputDataConfig") != theirs.get("InputDataConfig"):
        raise invalid(f"IdenticalDataAndAlgorithm needs the input data of the parent tuning job {name}.")


def taken(tx: Transaction, key: Key, doc: dict[str, Any], every: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is known of the parents' results, by definition. A hyperparameter that was static has that value."""
    known: list[list[dict[str, Any]]] = []
    for definition in definitions(doc):
        own: list[dict[str, Any]] = []
        for parent in every:
            theirs = counterpart(parent, definition)
            place = definitions(parent).index(theirs)
            records = trials.every(tx, key._replace(name=parent["HyperParameterTuningJobName"]))
            own += [
                {
                    "TunedHyperParameters": theirs["StaticHyperParameters"] | trial["TunedHyperParameters"],
                    "ObjectiveStatus": trial["ObjectiveStatus"],
                    "FinalHyperParameterTuningJobObjectiveMetric": trial["FinalHyperParameterTuningJobObjectiveMetric"],
                    "parent": parent["HyperParameterTuningJobName"],
                }
                for trial in records
                if trial["_"]["definition"] == place and trials.value(trial) is not None
            ]
        known.append(own)
    return {"known": known}


def best(every: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The OverallBestTrainingJob that a job begins with, as a member; {} where the parents found nothing."""
    found = [each for p in every if (each := p.get("OverallBestTrainingJob") or p.get("BestTrainingJob"))]
    if not found:
        return {}
    first = found[0]
    for each in found[1:]:
        final = each["FinalHyperParameterTuningJobObjectiveMetric"]
        if progress.better(final["Type"], final["Value"], trials.value(first) or 0.0):
            first = each
    return {"OverallBestTrainingJob": first}


def worth_trying(known: Sequence[dict[str, Any]], ranges: list[Range]) -> list[dict[str, str]]:
    """The hyperparameters of the parents' best training jobs that lie within our ranges: of each parent in turn."""
    by_parent: dict[str, list[dict[str, Any]]] = {}
    for each in known:
        by_parent.setdefault(each["parent"], []).append(each)
    columns = []
    for own in by_parent.values():
        final = own[0]["FinalHyperParameterTuningJobObjectiveMetric"]
        columns.append(sorted(own, key=lambda each: trials.value(each) or 0.0, reverse=final["Type"] == "Maximize"))
    chosen: list[dict[str, str]] = []
    for place in range(max((len(column) for column in columns), default=0)):
        for column in columns:
            if place < len(column) and (own_values := _within(column[place], ranges)) and own_values not in chosen:
                chosen.append(own_values)
    return chosen[:FIRST]


def _within(trial: dict[str, Any], ranges: list[Range]) -> dict[str, str]:
    tuned = trial["TunedHyperParameters"]
    inside = all(each.inner(tuned.get(each.name)) is not None for each in ranges)
    return {each.name: tuned[each.name] for each in ranges} if inside else {}
