"""Inline policies of roles, users and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.iam.documents import check_identity, size
from skylab.services.iam.names import NAMED, Kind, change, encoded, key_of, modifiable, no_such, page
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

SIZES = {"role": 10240, "user": 2048, "group": 5120}  # of all inline policies of one together


class Inline:
    def put_role_policy(self, call: Call, request: PutRolePolicyRequest) -> None:
        _put(call, "role", request)

    def get_role_policy(self, call: Call, request: GetRolePolicyRequest) -> dict[str, Any]:
        return _get(call, "role", request)

    def list_role_policies(self, call: Call, request: ListRolePoliciesRequest) -> dict[str, Any]:
        return _list(call, "role", request)

    def delete_role_policy(self, call: Call, request: DeleteRolePolicyRequest) -> None:
        _delete(call, "role", request)

    def put_user_policy(self, call: Call, request: PutUserPolicyRequest) -> None:
        _put(call, "user", request)

    def get_user_policy(self, call: Call, request: GetUserPolicyRequest) -> dict[str, Any]:
        return _get(call, "user", request)

    def list_user_policies(self, call: Call, request: ListUserPoliciesRequest) -> dict[str, Any]:
        return _list(call, "user", request)

    def delete_user_policy(self, call: Call, request: DeleteUserPolicyRequest) -> None:
        _delete(call, "user", request)

    def put_group_policy(self, call: Call, request: PutGroupPolicyRequest) -> None:
        _put(call, "group", request)

    def get_group_policy(self, call: Call, request: GetGroupPolicyRequest) -> dict[str, Any]:
        return _get(call, "group", request)

    def list_group_policies(self, call: Call, request: ListGroupPoliciesRequest) -> dict[str, Any]:
        return _list(call, "group", request)

    def delete_group_policy(self, call: Call, request: DeleteGroupPolicyRequest) -> None:
        _delete(call, "group", request)


def _put(call: Call, kind: Kind, request: Any) -> None:
    check_identity(request["PolicyDocument"])
    name = request[NAMED[kind]]

    def edit(doc: dict[str, Any]) -> None:
        modifiable(doc)
        doc["_"]["inline"][request["PolicyName"]] = request["PolicyDocument"]
        if sum(map(size, doc["_"]["inline"].values())) > SIZES[kind]:
            message = f"Maximum policy size of {SIZES[kind]} bytes exceeded for {kind} {name}"
            raise AwsError("LimitExceeded", message, 409)

    change(call, key_of(call.account, kind, name), edit)


def _get(call: Call, kind: Kind, request: Any) -> dict[str, Any]:
    name = request["PolicyName"]
    with call.reading() as tx:
        policies = tx.get(key_of(call.account, kind, request[NAMED[kind]]))["_"]["inline"]
    if name not in policies:
        raise _missing(kind, name)
    return {NAMED[kind]: request[NAMED[kind]], "PolicyName": name, "PolicyDocument": encoded(policies[name])}


def _list(call: Call, kind: Kind, request: Any) -> dict[str, Any]:
    with call.reading() as tx:
        policies = tx.get(key_of(call.account, kind, request[NAMED[kind]]))["_"]["inline"]
    return page(request, "PolicyNames", sorted(policies), str)


def _delete(call: Call, kind: Kind, request: Any) -> None:
    def edit(doc: dict[str, Any]) -> None:
        modifiable(doc)
        if doc["_"]["inline"].pop(request["PolicyName"], None) is None:
            raise _missing(kind, request["PolicyName"])

    change(call, key_of(call.account, kind, request[NAMED[kind]]), edit)


def _missing(kind: Kind, name: str) -> AwsError:
    return no_such(f"The {kind} policy with name {name} cannot be found.")
