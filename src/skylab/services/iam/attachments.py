"""Managed policies on roles and users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.iam.boundary import bounded
from skylab.services.iam.names import NAMED, Kind, change, key_of, no_such, page, too_many
from skylab.services.iam.policies import attachable, entities, readable

if TYPE_CHECKING:
    from skylab.shapes.iam import *

MOST = 10
QUOTAS = {"role": "PoliciesPerRole", "user": "PoliciesPerUser"}


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
                and kinds in (None, "Role" if "RoleName" in doc else "User")
            ]
        answer = page(request, "found", sorted(users, key=_order), _order)
        found = answer.pop("found")
        return answer | {
            "PolicyRoles": [each for each in found if "RoleName" in each],
            "PolicyUsers": [each for each in found if "UserName" in each],
            "PolicyGroups": [],
        }

    def put_role_permissions_boundary(self, call: Call, request: PutRolePermissionsBoundaryRequest) -> None:
        _bound(call, "role", request, request["PermissionsBoundary"])

    def delete_role_permissions_boundary(self, call: Call, request: DeleteRolePermissionsBoundaryRequest) -> None:
        _bound(call, "role", request, None)

    def put_user_permissions_boundary(self, call: Call, request: PutUserPermissionsBoundaryRequest) -> None:
        _bound(call, "user", request, request["PermissionsBoundary"])

    def delete_user_permissions_boundary(self, call: Call, request: DeleteUserPermissionsBoundaryRequest) -> None:
        _bound(call, "user", request, None)


def _attach(call: Call, kind: Kind, request: Any) -> None:
    key, arn = key_of(call.account, kind, request[NAMED[kind]]), request["PolicyArn"]
    with call.writing() as tx:
        doc = tx.get(key)
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


def _bound(call: Call, kind: Kind, request: Any, arn: str | None) -> None:
    key = key_of(call.account, kind, request[NAMED[kind]])
    with call.writing() as tx:
        doc = tx.get(key)
        if arn is None and not doc.get("PermissionsBoundary"):
            raise no_such(f"{kind.capitalize()} {key.name} does not have a permissions boundary.")
        tx.put(key, bounded(tx, call.account, doc | {"PermissionsBoundary": arn}), call.now)


def _boundary(doc: dict[str, Any]) -> list[str]:
    boundary = doc.get("PermissionsBoundary")
    return [boundary["PermissionsBoundaryArn"]] if boundary else []


def _named(doc: dict[str, Any]) -> dict[str, str]:
    return {member: doc[member] for member in ("RoleName", "RoleId", "UserName", "UserId") if member in doc}


def _order(entity: dict[str, str]) -> str:
    return f"role/{entity['RoleName']}" if "RoleName" in entity else f"user/{entity['UserName']}"
