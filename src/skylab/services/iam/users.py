"""Users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.services.call import Call
from skylab.services.iam.boundary import bounded
from skylab.services.iam.devices import enabled
from skylab.services.iam.names import arn_of, conflict, docs, key_of, make, named, page
from skylab.services.iam.tagging import tagged

if TYPE_CHECKING:
    from skylab.shapes.iam import *

SUMMARY = ("Path", "UserName", "UserId", "Arn", "CreateDate")


class Users:
    def create_user(self, call: Call, request: CreateUserRequest) -> dict[str, Any]:
        key, path = key_of(call.account, "user", request["UserName"]), request.get("Path", "/")
        doc: dict[str, Any] = {
            "Path": path,
            "UserName": key.name,
            "UserId": credentials.unique_id("AIDA"),
            "Arn": arn_of(key, path),
            "CreateDate": call.now,
            "_": {"inline": {}, "attached": []},
        } | tagged(request)
        with call.writing() as tx:
            doc = bounded(tx, call.account, doc | {"PermissionsBoundary": request.get("PermissionsBoundary")})
            make(tx, key, doc, call.now)
        return {"User": doc}

    def get_user(self, call: Call, request: GetUserRequest) -> dict[str, Any]:
        if "UserName" not in request and call.principal.arn.endswith(":root"):
            return {"User": {"UserId": call.account, "Arn": call.principal.arn}}
        with call.reading() as tx:
            return {"User": tx.get(key_of(call.account, "user", named(call, request)))}

    def list_users(self, call: Call, request: ListUsersRequest) -> dict[str, Any]:
        with call.reading() as tx:
            users = docs(tx, call.account, "user", request.get("PathPrefix", "/"))
            answer = page(request, "Users", users, lambda doc: doc["UserName"])
        answer["Users"] = [{member: doc[member] for member in SUMMARY} for doc in answer["Users"]]
        return answer

    def update_user(self, call: Call, request: UpdateUserRequest) -> None:
        """A new name or path is a new ARN; keys and policies stay."""
        old = key_of(call.account, "user", request["UserName"])
        new = old._replace(name=request.get("NewUserName", old.name))
        with call.writing() as tx:
            doc = tx.get(old)
            path = request.get("NewPath", doc["Path"])
            doc |= {"UserName": new.name, "Path": path, "Arn": arn_of(new, path)}
            if new == old:
                tx.put(old, doc, call.now)
            else:
                tx.delete(old)
                make(tx, new, doc, call.now)
            credentials.rename(tx, doc["UserId"], doc["Arn"])

    def delete_user(self, call: Call, request: DeleteUserRequest) -> None:
        key = key_of(call.account, "user", request["UserName"])
        with call.writing() as tx:
            doc = tx.get(key)
            if credentials.owned(tx, doc["UserId"]):
                raise conflict("Cannot delete entity, must delete access keys first.")
            if enabled(tx, doc["UserId"]):
                raise conflict("Cannot delete entity, must delete MFA device first.")
            if doc["_"].get("groups"):
                raise conflict("Cannot delete entity, must remove users from group first.")
            if doc["_"]["attached"]:
                raise conflict("Cannot delete entity, must detach all policies first.")
            if doc["_"]["inline"]:
                raise conflict("Cannot delete entity, must delete policies first.")
            credentials.revoke_all(tx, doc["UserId"])
            tx.delete(key)
