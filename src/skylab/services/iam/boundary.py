"""Permissions boundaries: recorded on users and roles here, applied where policies are evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam.names import NAMED, Kind, key_of, modifiable, no_such
from skylab.services.iam.policies import attachable

if TYPE_CHECKING:
    from skylab.shapes.iam import *


class Boundaries:
    def put_role_permissions_boundary(self, call: Call, request: PutRolePermissionsBoundaryRequest) -> None:
        _bound(call, "role", request, request["PermissionsBoundary"])

    def delete_role_permissions_boundary(self, call: Call, request: DeleteRolePermissionsBoundaryRequest) -> None:
        _bound(call, "role", request, None)

    def put_user_permissions_boundary(self, call: Call, request: PutUserPermissionsBoundaryRequest) -> None:
        _bound(call, "user", request, request["PermissionsBoundary"])

    def delete_user_permissions_boundary(self, call: Call, request: DeleteUserPermissionsBoundaryRequest) -> None:
        _bound(call, "user", request, None)


def bounded(tx: Transaction, account: str, members: dict[str, Any]) -> dict[str, Any]:
    """Members of a user or role, its boundary as Get shows it. Raises NoSuchEntity."""
    if (arn := members.get("PermissionsBoundary")) is None:
        return {member: value for member, value in members.items() if member != "PermissionsBoundary"}
    attachable(tx, account, arn)
    return members | {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}}


def _bound(call: Call, kind: Kind, request: Any, arn: str | None) -> None:
    key = key_of(call.account, kind, request[NAMED[kind]])
    with call.writing() as tx:
        doc = tx.get(key)
        modifiable(doc)
        if arn is None and not doc.get("PermissionsBoundary"):
            raise no_such(f"{kind.capitalize()} {key.name} does not have a permissions boundary.")
        tx.put(key, bounded(tx, call.account, doc | {"PermissionsBoundary": arn}), call.now)
