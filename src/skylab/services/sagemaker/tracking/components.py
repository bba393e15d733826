"""Trial components: one stage of a trial, with its parameters, artifacts and metrics. Most are made by jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from skylab.kernel import points
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.tracking import edges, entities, experiments, groups, members
from skylab.services.sagemaker.tracking.entities import COMPONENT, EXPERIMENT, TRIAL
from skylab.services.sagemaker.tracking.experiments import answer
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

SET = ("DisplayName", "Status", "StartTime", "EndTime")
MAPS = ("Parameters", "InputArtifacts", "OutputArtifacts")


class TrialComponents:
    def create_trial_component(self, call: Call, request: CreateTrialComponentRequest) -> dict[str, Any]:
        name = request["TrialComponentName"]
        with call.writing() as tx:
            more = {"DisplayName": request.get("DisplayName", name), "LineageGroupArn": groups.default(tx, call)}
            return answer(entities.create(tx, call, COMPONENT, name, request, **more))

    def describe_trial_component(self, call: Call, request: DescribeTrialComponentRequest) -> dict[str, Any]:
        place = entities.key(call, COMPONENT, request["TrialComponentName"])
        with call.reading() as tx:
            doc = entities.find(tx, place)
            return doc | {"Metrics": measured(doc, points.summaries(tx, *place[:2], place.name))}

    def list_trial_components(self, call: Call, request: ListTrialComponentsRequest) -> dict[str, Any]:
        if len(chosen := [name for name in ("ExperimentName", "TrialName", "SourceArn") if name in request]) > 1:
            raise invalid(f"Only one of ExperimentName, TrialName and SourceArn can be given, not {', '.join(chosen)}.")
        with call.reading() as tx:
            return entities.listed(
                call,
                request,
                _candidates(tx, call, request),
                "TrialComponentSummaries",
                "TrialComponentName",
                lambda doc: doc | ({"TrialComponentSource": doc["Source"]} if "Source" in doc else {}),
            )

    def update_trial_component(self, call: Call, request: UpdateTrialComponentRequest) -> dict[str, Any]:
        given: dict[str, Any] = {**request}
        place = entities.key(call, COMPONENT, request["TrialComponentName"])
        with call.writing() as tx:
            doc = entities.find(tx, place)
            changes: dict[str, Any] = {name: given[name] for name in SET if name in given}
            for member in MAPS:
                changes |= entities.merged(doc, given, member)
            entities.update(tx, call, place, changes)
        return answer(place)

    def delete_trial_component(self, call: Call, request: DeleteTrialComponentRequest) -> dict[str, Any]:
        place = entities.key(call, COMPONENT, request["TrialComponentName"])
        with call.writing() as tx:
            entities.find(tx, place)
            if trials := members.trials(tx, place):
                raise invalid(
                    f"Trial component {place.name} cannot be deleted: it must be disassociated from all trials first "
                    f"({', '.join(trial.name for trial in trials)})."
                )
            members.forget(tx, place)
            edges.forget(tx, place)
            points.forget(tx, points.Owner(*place[:2], place.name))
            tx.delete(place)
        return answer(place)


def measured(doc: dict[str, Any], summaries: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """The metrics of a component, as it shows them."""
    source = doc.get("Source", {}).get("SourceArn", doc["TrialComponentArn"])
    return [summary | {"SourceArn": source} for summary in summaries.get(doc["TrialComponentName"].lower(), [])]


def _candidates(tx: Transaction, call: Call, request: Any) -> Iterable[dict[str, Any]]:
    if "SourceArn" in request:
        return _found(tx, members.of_source(tx, call.account, call.region, request["SourceArn"]))
    if "TrialName" in request:
        trial = entities.key(call, TRIAL, request["TrialName"])
        entities.find(tx, trial)
        return _found(tx, members.components(tx, trial))
    if "ExperimentName" in request:
        experiment = entities.key(call, EXPERIMENT, request["ExperimentName"])
        entities.find(tx, experiment)
        own = (entities.key(call, TRIAL, doc["TrialName"]) for doc in experiments.trials(tx, experiment))
        return _found(tx, sorted({component for trial in own for component in members.components(tx, trial)}))
    return entities.every(tx, call, COMPONENT)


def _found(tx: Transaction, keys: Iterable[Key]) -> Iterable[dict[str, Any]]:
    return (doc for key in keys if (doc := tx.find(key)) is not None)
