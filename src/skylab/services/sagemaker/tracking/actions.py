"""Actions and contexts: what was done (a deployment, an approval), and what things belong to (an endpoint, a group)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.sagemaker.tracking import edges, entities, groups
from skylab.services.sagemaker.tracking.artifacts import wanted
from skylab.services.sagemaker.tracking.entities import ACTION, CONTEXT
from skylab.services.sagemaker.tracking.experiments import answer

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *


class Actions:
    def create_action(self, call: Call, request: CreateActionRequest) -> dict[str, Any]:
        return _create(call, ACTION, request["ActionName"], request)

    def describe_action(self, call: Call, request: DescribeActionRequest) -> dict[str, Any]:
        return entities.described(call, ACTION, request["ActionName"])

    def update_action(self, call: Call, request: UpdateActionRequest) -> dict[str, Any]:
        return _update(call, ACTION, request["ActionName"], request)

    def delete_action(self, call: Call, request: DeleteActionRequest) -> dict[str, Any]:
        return _delete(call, ACTION, request["ActionName"])

    def list_actions(self, call: Call, request: ListActionsRequest) -> dict[str, Any]:
        return _list(call, ACTION, request)


class Contexts:
    def create_context(self, call: Call, request: CreateContextRequest) -> dict[str, Any]:
        return _create(call, CONTEXT, request["ContextName"], request)

    def describe_context(self, call: Call, request: DescribeContextRequest) -> dict[str, Any]:
        return entities.described(call, CONTEXT, request["ContextName"])

    def update_context(self, call: Call, request: UpdateContextRequest) -> dict[str, Any]:
        return _update(call, CONTEXT, request["ContextName"], request)

    def delete_context(self, call: Call, request: DeleteContextRequest) -> dict[str, Any]:
        return _delete(call, CONTEXT, request["ContextName"])

    def list_contexts(self, call: Call, request: ListContextsRequest) -> dict[str, Any]:
        return _list(call, CONTEXT, request)


def _create(call: Call, type: str, name: str, request: Any) -> dict[str, Any]:
    with call.writing() as tx:
        group = groups.default(tx, call)
        return answer(entities.create(tx, call, type, name, request, LineageGroupArn=group))


def _update(call: Call, type: str, name: str, request: Any) -> dict[str, Any]:
    place = entities.key(call, type, name)
    with call.writing() as tx:
        changes: dict[str, Any] = {member: request[member] for member in ("Description", "Status") if member in request}
        entities.update(tx, call, place, changes | entities.merged(entities.find(tx, place), request, "Properties"))
    return answer(place)


def _delete(call: Call, type: str, name: str) -> dict[str, Any]:
    place = entities.key(call, type, name)
    with call.writing() as tx:
        entities.find(tx, place)
        edges.forget(tx, place)
        tx.delete(place)
    return answer(place)


def _list(call: Call, type: str, request: Any) -> dict[str, Any]:
    word = entities.WORDS[type]
    with call.reading() as tx:
        found = (doc for doc in entities.every(tx, call, type) if wanted(doc, request, f"{word}Type"))
        return entities.listed(call, request, found, f"{word}Summaries", f"{word}Name")
