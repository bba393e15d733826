"""Managed policies on roles, users and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.iam.names import NAMED, Kind, change, key_of, modifiable, no_such, page, too_many
from skylab.services.iam.policies import attachable, entities, kind_of, readable

if TYPE_CHECKING:
    from skylab.shapes.iam import *

MOST = 10
QUOTAS = {"role": "PoliciesPerRole", "user": "PoliciesPerUser", "group": "PoliciesPerGroup"}


class Attachments:
    def attach_role_policy(self, call: Call, request: AttachRolePolicyRequest) -> None:
        _attach(call, "role", request)

    def detach_role_policy(self, call: Call, request: DetachRolePolicyRequest) -> None:
        _detach(call, "role", request)

    def list_attached_role_policies(self, call: Call, request: ListAttachedRolePoliciesRequest) -> dict[str, Any]:
        return _list(call, "role", request)

    def attach_user_policy(self, call: Call, request: AttachUserPolicyRequest) -> None:
        _attach(call, "user", request)

    def detach_user_policy(self, call: Call, request: DetachUserPolicyRequest) -> None:
        _detach(call, "user", request)

    def list_attached_user_policies(self, call: Call, request: ListAttachedUserPoliciesRequest) -> dict[str, Any]:
        return _list(call, "user", request)

    def list_entities_for_policy(self, call: Call, request: ListEntitiesForPolicyRequest) -> dict[str, Any]:
        arn, kinds = request["PolicyArn"], request.get("EntityFilter")
        by_boundary = request.get("PolicyUsageFilter") == "PermissionsBoundary"
        with call.reading() as tx:
            readable(tx, call.account, arn)
            users = [
                _named(doc)
                for doc in entities(tx, call.account)
                if arn in (_boundary(doc) if by_boundary else doc["_"]["attached"])
                and doc["Path"].startswith(request.get("PathPrefix", "/"))
                and kinds in (None, kind_of(doc))
            ]
        answer = page(request, "found", sorted(users, key=_order), _order)
        found = answer.pop("found")
        return answer | {
            "PolicyRoles": [each for each in found if "RoleName" in each],
            "PolicyUsers": [each for each in found if "UserName" in each],
            "PolicyGroups": [each for each in found if "GroupName" in each],
        }

    def attach_group_policy(self, call: Call, request: AttachGroupPolicyRequest) -> None:
        _attach(call, "group", request)

    def detach_group_policy(self, call: Call, request: DetachGroupPolicyRequest) -> None:
        _detach(call, "group", request)

    def list_attached_group_policies(self, call: Call, request: ListAttachedGroupPoliciesRequest) -> dict[str, Any]:
        return _list(call, "group", request)


def _attach(call: Call, kind: Kind, request: Any) -> None:
    key, arn = key_of(call.account, kind, request[NAMED[kind]]), request["PolicyArn"]
    with call.writing() as tx:
        doc = tx.get(key)
        modifiable(doc)
        attached = doc["_"]["attached"]
        attachable(tx, call.account, arn)
        if arn in attached:
            return
        if len(attached) >= MOST:
            raise too_many(QUOTAS[kind], MOST)
        attached.append(arn)
        tx.put(key, doc, call.now)


def _detach(call: Call, kind: Kind, request: Any) -> None:
    def edit(doc: dict[str, Any]) -> None:
        modifiable(doc)
        if request["PolicyArn"] not in doc["_"]["attached"]:
            raise no_such(f"Policy {request['PolicyArn']} was not found.")
        doc["_"]["attached"].remove(request["PolicyArn"])

    change(call, key_of(call.account, kind, request[NAMED[kind]]), edit)


def _list(call: Call, kind: Kind, request: Any) -> dict[str, Any]:
    with call.reading() as tx:
        arns = tx.get(key_of(call.account, kind, request[NAMED[kind]]))["_"]["attached"]
    prefix = request.get("PathPrefix", "/")
    shown = [
        {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn}
        for arn in sorted(arns)
        if arn.split(":policy", 1)[-1].startswith(prefix)
    ]
    return page(request, "AttachedPolicies", shown, lambda each: each["PolicyArn"])


def _boundary(doc: dict[str, Any]) -> list[str]:
    boundary = doc.get("PermissionsBoundary")
    return [boundary["PermissionsBoundaryArn"]] if boundary else []


def _named(doc: dict[str, Any]) -> dict[str, str]:
    kind = kind_of(doc)
    return {member: doc[member] for member in (f"{kind}Name", f"{kind}Id")}


def _order(entity: dict[str, str]) -> str:
    kind = kind_of(entity)
    return f"{kind}/{entity[f'{kind}Name']}"
