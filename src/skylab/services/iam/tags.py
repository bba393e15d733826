"""Tags of what IAM keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.services.iam.devices import device
from skylab.services.iam.names import change, key_of, page
from skylab.services.iam.oidc import provider
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

    def tag_instance_profile(self, call: Call, request: TagInstanceProfileRequest) -> None:
        change(call, key_of(call.account, "instance-profile", request["InstanceProfileName"]), adding(request["Tags"]))

    def untag_instance_profile(self, call: Call, request: UntagInstanceProfileRequest) -> None:
        key = key_of(call.account, "instance-profile", request["InstanceProfileName"])
        change(call, key, removing(request["TagKeys"]))

    def list_instance_profile_tags(self, call: Call, request: ListInstanceProfileTagsRequest) -> dict[str, Any]:
        return _list(call, key_of(call.account, "instance-profile", request["InstanceProfileName"]), request)

    def tag_open_id_connect_provider(self, call: Call, request: TagOpenIDConnectProviderRequest) -> None:
        change(call, _provider(call, request), adding(request["Tags"]))

    def untag_open_id_connect_provider(self, call: Call, request: UntagOpenIDConnectProviderRequest) -> None:
        change(call, _provider(call, request), removing(request["TagKeys"]))

    def list_open_id_connect_provider_tags(
        self, call: Call, request: ListOpenIDConnectProviderTagsRequest
    ) -> dict[str, Any]:
        return _list(call, _provider(call, request), request)

    def tag_mfa_device(self, call: Call, request: TagMFADeviceRequest) -> None:
        change(call, _device(call, request), adding(request["Tags"]))

    def untag_mfa_device(self, call: Call, request: UntagMFADeviceRequest) -> None:
        change(call, _device(call, request), removing(request["TagKeys"]))

    def list_mfa_device_tags(self, call: Call, request: ListMFADeviceTagsRequest) -> dict[str, Any]:
        return _list(call, _device(call, request), request)


def _provider(call: Call, request: Any) -> Key:
    with call.reading() as tx:
        return provider(tx, call.account, request["OpenIDConnectProviderArn"])[0]


def _device(call: Call, request: Any) -> Key:
    with call.reading() as tx:
        return device(tx, call.account, request["SerialNumber"])[0]


def _list(call: Call, key: Key, request: Any) -> dict[str, Any]:
    with call.reading() as tx:
        tags = tx.get(key).get("Tags", [])
    return page(request, "Tags", tags, lambda tag: tag["Key"].lower())


def _policy(call: Call, arn: str) -> Key:
    with call.reading() as tx:
        return policy(tx, call.account, arn)[0]
