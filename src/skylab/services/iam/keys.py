"""Access keys of users (and of root); the keys themselves are in kernel/credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.kernel.credentials import Credential
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam.names import key_of, last_used, missing, named, page, too_many

if TYPE_CHECKING:
    from skylab.shapes.iam import *

MOST = 2


class AccessKeys:
    def create_access_key(self, call: Call, request: CreateAccessKeyRequest) -> dict[str, Any]:
        with call.writing() as tx:
            owner, principal = _owner(tx, call, request)
            if len(credentials.owned(tx, owner)) >= MOST:
                raise too_many("AccessKeysPerUser", MOST)
            key = credentials.issue_long_term(tx, principal, owner, call.now)
        return {"AccessKey": key | {"UserName": _user(principal), "Status": "Active", "CreateDate": call.now}}

    def list_access_keys(self, call: Call, request: ListAccessKeysRequest) -> dict[str, Any]:
        with call.reading() as tx:
            keys = [_shown(key) for key in credentials.owned(tx, _owner(tx, call, request)[0])]
        return page(request, "AccessKeyMetadata", keys, lambda key: key["AccessKeyId"])

    def get_access_key_last_used(self, call: Call, request: GetAccessKeyLastUsedRequest) -> dict[str, Any]:
        """To a quarter of an hour."""
        with call.reading() as tx:
            key = credentials.find(tx, request["AccessKeyId"])
            if key is None or key.token or key.account != call.account:
                raise missing(request["AccessKeyId"])
            used = last_used(tx, call.account, key.access_key)
        never = {"ServiceName": "N/A", "Region": "N/A"}
        return {"UserName": _user(key.principal), "AccessKeyLastUsed": used or never}

    def update_access_key(self, call: Call, request: UpdateAccessKeyRequest) -> None:
        with call.writing() as tx:
            key = _find(tx, call, request)
            credentials.activate(tx, key.access_key, request["Status"] == "Active")

    def delete_access_key(self, call: Call, request: DeleteAccessKeyRequest) -> None:
        with call.writing() as tx:
            credentials.revoke(tx, _find(tx, call, request).access_key)


def _owner(tx: Transaction, call: Call, request: Any) -> tuple[str, dict[str, Any]]:
    """The id that the keys belong to, and what they speak for."""
    root = f"arn:aws:iam::{call.account}:root"
    if "UserName" not in request and call.principal.arn == root:
        return call.account, {"arn": root, "id": call.account, "account": call.account, "type": "Root"}
    user = tx.get(key_of(call.account, "user", named(call, request)))
    principal = {"arn": user["Arn"], "id": user["UserId"], "account": call.account, "type": "IAMUser"}
    return user["UserId"], principal


def _find(tx: Transaction, call: Call, request: Any) -> Credential:
    owner, key = _owner(tx, call, request)[0], credentials.find(tx, request["AccessKeyId"])
    if key is None or key.owner != owner or key.token:
        raise missing(request["AccessKeyId"])
    return key


def _user(principal: dict[str, Any]) -> str:
    return principal["arn"].rsplit(":", 1)[-1].rsplit("/", 1)[-1]


def _shown(key: Credential) -> dict[str, Any]:
    return {
        "UserName": _user(key.principal),
        "AccessKeyId": key.access_key,
        "Status": "Active" if key.active else "Inactive",
        "CreateDate": key.created,
    }
