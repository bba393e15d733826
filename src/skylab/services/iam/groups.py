"""Groups. Who is in one is written in the users' documents, where a decision about a user finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam.names import arn_of, change, conflict, docs, key_of, make, page, too_many

if TYPE_CHECKING:
    from skylab.shapes.iam import *

PER_USER = 10
USER = ("Path", "UserName", "UserId", "Arn", "CreateDate")


class Groups:
    def create_group(self, call: Call, request: CreateGroupRequest) -> dict[str, Any]:
        key, path = key_of(call.account, "group", request["GroupName"]), request.get("Path", "/")
        doc: dict[str, Any] = {
            "Path": path,
            "GroupName": key.name,
            "GroupId": credentials.unique_id("AGPA"),
            "Arn": arn_of(key, path),
            "CreateDate": call.now,
            "_": {"inline": {}, "attached": []},
        }
        with call.writing() as tx:
            make(tx, key, doc, call.now)
        return {"Group": doc}

    def get_group(self, call: Call, request: GetGroupRequest) -> dict[str, Any]:
        with call.reading() as tx:
            group = tx.get(key_of(call.account, "group", request["GroupName"]))
            answer = page(request, "Users", members(tx, call.account, group["GroupName"]), lambda doc: doc["UserName"])
        answer["Users"] = [{member: doc[member] for member in USER} for doc in answer["Users"]]
        return {"Group": group} | answer

    def list_groups(self, call: Call, request: ListGroupsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            groups = docs(tx, call.account, "group", request.get("PathPrefix", "/"))
            return page(request, "Groups", groups, lambda doc: doc["GroupName"])

    def list_groups_for_user(self, call: Call, request: ListGroupsForUserRequest) -> dict[str, Any]:
        with call.reading() as tx:
            names = tx.get(key_of(call.account, "user", request["UserName"]))["_"].get("groups", [])
            groups = [tx.get(key_of(call.account, "group", name)) for name in names]
        return page(request, "Groups", groups, lambda doc: doc["GroupName"])

    def update_group(self, call: Call, request: UpdateGroupRequest) -> None:
        """A new name or path is a new ARN; who is in it stays in it."""
        old = key_of(call.account, "group", request["GroupName"])
        new = old._replace(name=request.get("NewGroupName", old.name))
        with call.writing() as tx:
            doc = tx.get(old)
            path = request.get("NewPath", doc["Path"])
            doc |= {"GroupName": new.name, "Path": path, "Arn": arn_of(new, path)}
            if new == old:
                return tx.put(old, doc, call.now)
            tx.delete(old)
            make(tx, new, doc, call.now)
            for user in members(tx, call.account, old.name):
                user["_"]["groups"] = sorted({*user["_"]["groups"], new.name} - {old.name})
                tx.put(key_of(call.account, "user", user["UserName"]), user, call.now)

    def delete_group(self, call: Call, request: DeleteGroupRequest) -> None:
        key = key_of(call.account, "group", request["GroupName"])
        with call.writing() as tx:
            doc = tx.get(key)
            if members(tx, call.account, key.name):
                raise conflict("Cannot delete entity, must remove users from group first.")
            if doc["_"]["attached"]:
                raise conflict("Cannot delete entity, must detach all policies first.")
            if doc["_"]["inline"]:
                raise conflict("Cannot delete entity, must delete policies first.")
            tx.delete(key)

    def add_user_to_group(self, call: Call, request: AddUserToGroupRequest) -> None:
        with call.writing() as tx:
            group = tx.get(key_of(call.account, "group", request["GroupName"]))["GroupName"]
            key = key_of(call.account, "user", request["UserName"])
            user = tx.get(key)
            groups = {*user["_"].get("groups", []), group}
            if len(groups) > PER_USER:
                raise too_many("GroupsPerUser", PER_USER)
            user["_"]["groups"] = sorted(groups)
            tx.put(key, user, call.now)

    def remove_user_from_group(self, call: Call, request: RemoveUserFromGroupRequest) -> None:
        """That somebody is in no such group is no error."""
        with call.reading() as tx:
            group = tx.get(key_of(call.account, "group", request["GroupName"]))["GroupName"]

        def edit(user: dict[str, Any]) -> None:
            user["_"]["groups"] = [name for name in user["_"].get("groups", []) if name != group]

        change(call, key_of(call.account, "user", request["UserName"]), edit)


def members(tx: Transaction, account: str, group: str) -> list[dict[str, Any]]:
    """The users in a group, by name."""
    return [user for user in docs(tx, account, "user") if group in user["_"].get("groups", [])]
