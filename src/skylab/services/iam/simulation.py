"""What policies would say: each action on each resource, evaluated as the gateway evaluates calls, and nothing done.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skylab.policy import document, positions
from skylab.policy.decision import Decision
from skylab.policy.evaluate import Policies, Said, evaluate
from skylab.policy.positions import spans
from skylab.policy.request import Request, Who
from skylab.services.call import Call
from skylab.services.iam.documents import check_identity, check_resource
from skylab.services.iam.names import page
from skylab.services.iam.sources import Source, given, principal
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

ACTION = re.compile(r"[a-zA-Z0-9-]+:[a-zA-Z0-9]+")


class Simulations:
    def simulate_custom_policy(self, call: Call, request: SimulateCustomPolicyRequest) -> dict[str, Any]:
        return _answer(call, request, given(request), {})

    def simulate_principal_policy(self, call: Call, request: SimulatePrincipalPolicyRequest) -> dict[str, Any]:
        """The policies that a user (its groups' too), a group or a role has, and further ones."""
        if request.get("PolicyExclusionList"):
            raise AwsError(
                "NotImplemented", "SimulatePrincipalPolicy with PolicyExclusionList is not implemented.", 501
            )
        with call.reading() as tx:
            sources, boundary, known = principal(tx, call.account, request["PolicySourceArn"])
        asked: dict[str, Any] = {"CallerArn": request["PolicySourceArn"], **request}
        if boundary and "PermissionsBoundaryPolicyInputList" not in request:
            asked["PermissionsBoundaryPolicyInputList"] = [boundary]
        return _answer(call, asked, [*sources, *given(request)], known)

    def get_context_keys_for_custom_policy(
        self, call: Call, request: GetContextKeysForCustomPolicyRequest
    ) -> dict[str, Any]:
        return _keys(given(request))

    def get_context_keys_for_principal_policy(
        self, call: Call, request: GetContextKeysForPrincipalPolicyRequest
    ) -> dict[str, Any]:
        with call.reading() as tx:
            sources, _, _ = principal(tx, call.account, request["PolicySourceArn"])
        return _keys([*sources, *given(request)])


@dataclass(frozen=True)
class Simulation:
    sources: list[Source]
    boundary: document.Policy | None
    resource: document.Policy | None
    who: Who
    owner: str
    context: dict[str, list[str]]
    wanted: list[str] = field(default_factory=list)

    @cached_property
    def by_name(self) -> dict[str, Source]:
        named = {each.policy.source: each for each in self.sources}
        return named | ({"": Source("ResourcePolicy", "resource", self.resource)} if self.resource else {})

    def result(self, action: str, arn: str) -> dict[str, Any]:
        request = Request(self.who, action, arn, self.owner, self.context)
        identity = tuple(each.policy for each in self.sources)
        decision = evaluate(request, Policies(identity=identity, boundary=self.boundary, resource=self.resource))
        verdict = "allowed" if decision.allowed else "explicitDeny" if decision.reason.explicit else "implicitDeny"
        matched = list(self._matched(decision))
        detail = {}
        if self.boundary:
            said = Said(request, (self.boundary,))
            detail = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": _allows(said)}}
        whole: dict[str, Any] = {
            "EvalActionName": action,
            "EvalResourceName": arn,
            "EvalDecision": verdict,
            "MatchedStatements": matched,
            "MissingContextValues": self._missing() if arn == "*" else [],
        } | detail
        if arn != "*":
            one = {"EvalResourceName": arn, "EvalResourceDecision": verdict, "MatchedStatements": matched}
            whole["ResourceSpecificResults"] = [one | {"MissingContextValues": self._missing()} | detail]
        return whole

    def _matched(self, decision: Decision) -> Iterator[dict[str, Any]]:
        for statement in decision.statements:
            if source := self.by_name.get(statement.source):
                start, end = spans(source.policy.text)[statement.index]
                yield {
                    "SourcePolicyId": source.name,
                    "SourcePolicyType": source.kind,
                    "StartPosition": _place(start),
                    "EndPosition": _place(end),
                }

    def _missing(self) -> list[str]:
        """Condition keys that a policy asks for and nobody gave."""
        return [key for key in self.wanted if key.lower() not in self.context]


def _place(position: positions.Position) -> dict[str, int]:
    return {"Line": position.line, "Column": position.column}


def _allows(said: Said) -> bool:
    return bool(said.allows) and not said.denies


def _answer(call: Call, request: Any, sources: list[Source], known: dict[str, list[str]]) -> dict[str, Any]:
    simulation = _simulation(call, request, sources, known)
    for action in request["ActionNames"]:
        if not ACTION.fullmatch(action):
            raise AwsError("InvalidInput", f"Invalid action name: {action}")
    pairs = [(action, arn) for action in request["ActionNames"] for arn in request.get("ResourceArns") or ["*"]]
    numbered = [(f"{number:06d}", pair) for number, pair in enumerate(pairs)]
    answer = page(request, "EvaluationResults", numbered, lambda each: each[0])
    return answer | {"EvaluationResults": [simulation.result(*pair) for _, pair in answer["EvaluationResults"]]}


def _simulation(call: Call, request: Any, sources: list[Source], known: dict[str, list[str]]) -> Simulation:
    bounds = request.get("PermissionsBoundaryPolicyInputList") or []
    if len(bounds) > 1:
        raise AwsError("InvalidInput", "There can be one permissions boundary.")
    boundary = check_identity(bounds[0]) if bounds else None
    attached = check_resource(request["ResourcePolicy"]) if request.get("ResourcePolicy") else None
    caller = request.get("CallerArn", f"arn:aws:iam::{call.account}:root")
    account = caller.split(":")[4] if caller.count(":") >= 5 else call.account
    entries = {
        entry["ContextKeyName"].lower(): entry["ContextKeyValues"] for entry in request.get("ContextEntries", [])
    }
    policies = [*(each.policy for each in sources), *(each for each in (boundary, attached) if each)]
    return Simulation(
        sources,
        boundary,
        attached,
        Who(account, frozenset([caller])),
        _owner(request.get("ResourceOwner")) or account,
        known | entries,
        list(dict.fromkeys(key for policy in policies for key in policy.keys)),
    )


def _owner(text: str | None) -> str:
    """An account's id, or its ARN."""
    return text.split(":")[4] if text and text.count(":") >= 5 else text or ""


def _keys(sources: list[Source]) -> dict[str, Any]:
    return {"ContextKeyNames": sorted({key for each in sources for key in each.policy.keys})}
