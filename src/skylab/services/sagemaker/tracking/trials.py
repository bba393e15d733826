"""Trials: sets of trial components that belong to one experiment. A component may be in several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.tracking import entities, experiments, members
from skylab.services.sagemaker.tracking.entities import COMPONENT, EXPERIMENT, TRIAL
from skylab.services.sagemaker.tracking.experiments import answer
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *


class Trials:
    def create_trial(self, call: Call, request: CreateTrialRequest) -> dict[str, Any]:
        name = request["TrialName"]
        with call.writing() as tx:
            experiment = entities.find(tx, entities.key(call, EXPERIMENT, request["ExperimentName"]))
            more = {
                "DisplayName": request.get("DisplayName", name),
                "ExperimentName": experiment["ExperimentName"],
            }
            return answer(entities.create(tx, call, TRIAL, name, request, **more))

    def describe_trial(self, call: Call, request: DescribeTrialRequest) -> dict[str, Any]:
        return entities.described(call, TRIAL, request["TrialName"])

    def list_trials(self, call: Call, request: ListTrialsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            return entities.listed(call, request, _candidates(tx, call, request), "TrialSummaries", "TrialName")

    def update_trial(self, call: Call, request: UpdateTrialRequest) -> dict[str, Any]:
        place = entities.key(call, TRIAL, request["TrialName"])
        with call.writing() as tx:
            entities.update(tx, call, place, {name: request[name] for name in ("DisplayName",) if name in request})
        return answer(place)

    def delete_trial(self, call: Call, request: DeleteTrialRequest) -> dict[str, Any]:
        place = entities.key(call, TRIAL, request["TrialName"])
        with call.writing() as tx:
            entities.find(tx, place)
            if members.components(tx, place):
                raise invalid(f"Trial {place.name} cannot be deleted: disassociate all its trial components first.")
            tx.delete(place)
        return answer(place)

    def associate_trial_component(self, call: Call, request: AssociateTrialComponentRequest) -> dict[str, Any]:
        trial, component = _pair(call, request)
        with call.writing() as tx:
            entities.find(tx, trial)
            entities.find(tx, component)
            members.join(tx, trial, component)
        return answer(trial) | answer(component)

    def disassociate_trial_component(self, call: Call, request: DisassociateTrialComponentRequest) -> dict[str, Any]:
        trial, component = _pair(call, request)
        with call.writing() as tx:
            if not members.leave(tx, trial, component):
                entities.find(tx, trial)
                entities.find(tx, component)
                message = f"Trial component {component.name} is not associated with trial {trial.name}."
                raise AwsError("ResourceNotFound", message, 400)
        return answer(trial) | answer(component)


def _pair(call: Call, request: Any) -> tuple[Key, Key]:
    trial = entities.key(call, TRIAL, request["TrialName"])
    return trial, entities.key(call, COMPONENT, request["TrialComponentName"])


def _candidates(tx: Transaction, call: Call, request: Any) -> Iterable[dict[str, Any]]:
    if "TrialComponentName" in request:
        component = entities.key(call, COMPONENT, request["TrialComponentName"])
        entities.find(tx, component)
        found: Iterable[dict[str, Any]] = (entities.find(tx, trial) for trial in members.trials(tx, component))
    else:
        found = entities.every(tx, call, TRIAL)
    if "ExperimentName" not in request:
        return found
    experiment = entities.key(call, EXPERIMENT, request["ExperimentName"])
    entities.find(tx, experiment)
    own = {doc["TrialName"] for doc in experiments.trials(tx, experiment)}
    return (doc for doc in found if doc["TrialName"] in own)
