"""Roles."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.services.iam.boundary import bounded
from skylab.services.iam.documents import check_trust, size
from skylab.services.iam.names import (
    arn_of,
    change,
    conflict,
    docs,
    encoded,
    key_of,
    last_used,
    make,
    modifiable,
    page,
    too_many,
)
from skylab.services.iam.profiles import of_role
from skylab.services.iam.tagging import tagged
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

TRUST_SIZE = 2048
SUMMARY = ("Path", "RoleName", "RoleId", "Arn", "CreateDate", "Description", "MaxSessionDuration")


class Roles:
    def create_role(self, call: Call, request: CreateRoleRequest) -> dict[str, Any]:
        _check(request["AssumeRolePolicyDocument"])
        key = key_of(call.account, "role", request["RoleName"])
        if request.get("Path", "/").startswith("/aws-service-role/"):
            raise AwsError("ValidationError", "The path /aws-service-role/ is reserved for service-linked roles.")
        with call.writing() as tx:
            doc = role(key, call.now, bounded(tx, call.account, dict(request)))
            make(tx, key, doc, call.now)
        return {"Role": _shown(doc)}

    def get_role(self, call: Call, request: GetRoleRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = tx.get(key_of(call.account, "role", request["RoleName"]))
            used = last_used(tx, call.account, doc["Arn"]) or {}
        return {"Role": _shown(doc) | {"RoleLastUsed": used}}

    def list_roles(self, call: Call, request: ListRolesRequest) -> dict[str, Any]:
        with call.reading() as tx:
            roles = docs(tx, call.account, "role", request.get("PathPrefix", "/"))
            answer = page(request, "Roles", roles, lambda doc: doc["RoleName"])
        answer["Roles"] = [
            {member: doc[member] for member in SUMMARY if member in doc}
            | {"AssumeRolePolicyDocument": encoded(doc["AssumeRolePolicyDocument"])}
            for doc in answer["Roles"]
        ]
        return answer

    def update_role(self, call: Call, request: UpdateRoleRequest) -> dict[str, Any]:
        changes = {member: value for member, value in request.items() if member != "RoleName"}
        change(call, key_of(call.account, "role", request["RoleName"]), lambda doc: doc.update(changes))
        return {}

    def update_role_description(self, call: Call, request: UpdateRoleDescriptionRequest) -> dict[str, Any]:
        changes = {"Description": request["Description"]}
        doc = change(call, key_of(call.account, "role", request["RoleName"]), lambda doc: doc.update(changes))
        return {"Role": _shown(doc)}

    def update_assume_role_policy(self, call: Call, request: UpdateAssumeRolePolicyRequest) -> None:
        _check(request["PolicyDocument"])

        def edit(doc: dict[str, Any]) -> None:
            modifiable(doc)
            doc["AssumeRolePolicyDocument"] = request["PolicyDocument"]

        change(call, key_of(call.account, "role", request["RoleName"]), edit)

    def delete_role(self, call: Call, request: DeleteRoleRequest) -> None:
        key = key_of(call.account, "role", request["RoleName"])
        with call.writing() as tx:
            doc = tx.get(key)
            modifiable(doc)
            if of_role(tx, call.account, key.name):
                raise conflict("Cannot delete entity, must remove roles from instance profile first.")
            if doc["_"]["attached"]:
                raise conflict("Cannot delete entity, must detach all policies first.")
            if doc["_"]["inline"]:
                raise conflict("Cannot delete entity, must delete policies first.")
            credentials.revoke_all(tx, doc["RoleId"])
            tx.delete(key)


def role(key: Key, now: datetime, members: dict[str, Any]) -> dict[str, Any]:
    """The document of a new role; members: as CreateRole's request."""
    path = members.get("Path", "/")
    own = {m: members[m] for m in ("Description", "PermissionsBoundary") if m in members}
    return (
        {
            "Path": path,
            "RoleName": key.name,
            "RoleId": credentials.unique_id("AROA"),
            "Arn": arn_of(key, path),
            "CreateDate": now,
            "AssumeRolePolicyDocument": members["AssumeRolePolicyDocument"],
            "MaxSessionDuration": members.get("MaxSessionDuration", 3600),
            "_": {"inline": {}, "attached": []},
        }
        | own
        | tagged(members)
    )


def _check(trust: str) -> None:
    check_trust(trust)
    if size(trust) > TRUST_SIZE:
        raise too_many("ACLSizePerRole", TRUST_SIZE)


def _shown(doc: dict[str, Any]) -> dict[str, Any]:
    return doc | {"AssumeRolePolicyDocument": encoded(doc["AssumeRolePolicyDocument"])}
