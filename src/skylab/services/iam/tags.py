"""Tags of roles, users and policies; their keys are the same key in capitals and in small letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.services.iam.names import change, key_of, no_such, page
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

MOST = 50


class Tags:
    def tag_role(self, call: Call, request: TagRoleRequest) -> None:
        change(call, key_of(call.account, "role", request["RoleName"]), _adding(request["Tags"]))

    def untag_role(self, call: Call, request: UntagRoleRequest) -> None:
        change(call, key_of(call.account, "role", request["RoleName"]), _removing(request["TagKeys"]))

    def list_role_tags(self, call: Call, request: ListRoleTagsRequest) -> dict[str, Any]:
        return _list(call, key_of(call.account, "role", request["RoleName"]), request)

    def tag_user(self, call: Call, request: TagUserRequest) -> None:
        change(call, key_of(call.account, "user", request["UserName"]), _adding(request["Tags"]))

    def untag_user(self, call: Call, request: UntagUserRequest) -> None:
        change(call, key_of(call.account, "user", request["UserName"]), _removing(request["TagKeys"]))

    def list_user_tags(self, call: Call, request: ListUserTagsRequest) -> dict[str, Any]:
        return _list(call, key_of(call.account, "user", request["UserName"]), request)

    def tag_policy(self, call: Call, request: TagPolicyRequest) -> None:
        change(call, _policy(call, request["PolicyArn"]), _adding(request["Tags"]))

    def untag_policy(self, call: Call, request: UntagPolicyRequest) -> None:
        change(call, _policy(call, request["PolicyArn"]), _removing(request["TagKeys"]))

    def list_policy_tags(self, call: Call, request: ListPolicyTagsRequest) -> dict[str, Any]:
        return _list(call, _policy(call, request["PolicyArn"]), request)


def checked(tags: Iterable[Any]) -> list[dict[str, str]]:
    """Tags of a new resource, in order. Raises InvalidInput, LimitExceeded."""
    tags = [dict(tag) for tag in tags]
    if len({tag["Key"].lower() for tag in tags}) < len(tags):
        raise AwsError("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if len(tags) > MOST:
        raise AwsError("LimitExceeded", f"The number of tags has reached the maximum limit of {MOST}.", 409)
    return sorted(tags, key=lambda tag: tag["Key"].lower())


def _adding(tags: Iterable[Any]) -> Callable[[dict[str, Any]], None]:
    new = checked(tags)
    keys = {tag["Key"].lower() for tag in new}

    def edit(doc: dict[str, Any]) -> None:
        doc["Tags"] = checked([tag for tag in doc.get("Tags", []) if tag["Key"].lower() not in keys] + new)

    return edit


def _removing(keys: Iterable[str]) -> Callable[[dict[str, Any]], None]:
    gone = {key.lower() for key in keys}

    def edit(doc: dict[str, Any]) -> None:
        doc["Tags"] = [tag for tag in doc.get("Tags", []) if tag["Key"].lower() not in gone]

    return edit


def _list(call: Call, key: Key, request: Any) -> dict[str, Any]:
    with call.reading() as tx:
        tags = tx.get(key).get("Tags", [])
    return page(request, "Tags", tags, lambda tag: tag["Key"].lower())


def _policy(call: Call, arn: str) -> Key:
    key = key_of(call.account, "policy", arn.rsplit("/", 1)[-1])
    with call.reading() as tx:
        doc = tx.find(key)
    if doc is None or doc["Arn"] != arn:
        raise no_such(f"Policy {arn} was not found.")
    return key
