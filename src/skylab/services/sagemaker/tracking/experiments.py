"""Experiments: collections of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.tracking import entities
from skylab.services.sagemaker.tracking.entities import EXPERIMENT, TRIAL
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *


class Experiments:
    def create_experiment(self, call: Call, request: CreateExperimentRequest) -> dict[str, Any]:
        name = request["ExperimentName"]
        with call.writing() as tx:
            display = request.get("DisplayName", name)
            return answer(entities.create(tx, call, EXPERIMENT, name, request, DisplayName=display))

    def describe_experiment(self, call: Call, request: DescribeExperimentRequest) -> dict[str, Any]:
        return entities.described(call, EXPERIMENT, request["ExperimentName"])

    def list_experiments(self, call: Call, request: ListExperimentsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            found = entities.every(tx, call, EXPERIMENT)
            return entities.listed(call, request, found, "ExperimentSummaries", "ExperimentName")

    def update_experiment(self, call: Call, request: UpdateExperimentRequest) -> dict[str, Any]:
        with call.writing() as tx:
            place = entities.key(call, EXPERIMENT, request["ExperimentName"])
            changes: dict[str, Any] = {
                name: request[name] for name in ("DisplayName", "Description") if name in request
            }
            entities.update(tx, call, place, changes)
        return answer(place)

    def delete_experiment(self, call: Call, request: DeleteExperimentRequest) -> dict[str, Any]:
        place = entities.key(call, EXPERIMENT, request["ExperimentName"])
        with call.writing() as tx:
            entities.find(tx, place)
            if any(trials(tx, place)):
                raise invalid(f"Experiment {place.name} cannot be deleted: all its trials must be deleted first.")
            tx.delete(place)
        return answer(place)


def answer(place: Key) -> dict[str, Any]:
    return {f"{entities.WORDS[place.type]}Arn": entities.arn(place)}


def trials(tx: Transaction, experiment: Key) -> list[dict[str, Any]]:
    found = tx.all(experiment.account, experiment.region, "sagemaker", TRIAL)
    return [doc for doc in found if doc["ExperimentName"].lower() == experiment.name]
