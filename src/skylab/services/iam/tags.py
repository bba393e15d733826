"""Tags of what IAM keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.services.iam.names import change, key_of, page
from skylab.services.iam.policies import policy
from skylab.services.iam.tagging import adding, removing

if TYPE_CHECKING:
    from skylab.shapes.iam import *


class Tags:
    def tag_role(self, call: Call, request: TagRoleRequest) -> None:
        change(call, key_of(call.account, "role", request["RoleName"]), adding(request["Tags"]))

    def untag_role(self, call: Call, request: UntagRoleRequest) -> None:
        change(call, key_of(call.account, "role", request["RoleName"]), removing(request["TagKeys"]))

    def list_role_tags(self, call: Call, request: ListRoleTagsRequest) -> dict[str, Any]:
        return _list(call, key_of(call.account, "role", request["RoleName"]), request)

    def tag_user(self, call: Call, request: TagUserRequest) -> None:
        change(call, key_of(call.account, "user", request["UserName"]), adding(request["Tags"]))

    def untag_user(self, call: Call, request: UntagUserRequest) -> None:
        change(call, key_of(call.account, "user", request["UserName"]), removing(request["TagKeys"]))

    def list_user_tags(self, call: Call, request: ListUserTagsRequest) -> dict[str, Any]:
        return _list(call, key_of(call.account, "user", request["UserName"]), request)

    def tag_policy(self, call: Call, request: TagPolicyRequest) -> None:
        change(call, _policy(call, request["PolicyArn"]), adding(request["Tags"]))

    def untag_policy(self, call: Call, request: UntagPolicyRequest) -> None:
        change(call, _policy(call, request["PolicyArn"]), removing(request["TagKeys"]))

    def list_policy_tags(self, call: Call, request: ListPolicyTagsRequest) -> dict[str, Any]:
        return _list(call, _policy(call, request["PolicyArn"]), request)


def _list(call: Call, key: Key, request: Any) -> dict[str, Any]:
    with call.reading() as tx:
        tags = tx.get(key).get("Tags", [])
    return page(request, "Tags", tags, lambda tag: tag["Key"].lower())


def _policy(call: Call, arn: str) -> Key:
    with call.reading() as tx:
        return policy(tx, call.account, arn)[0]
