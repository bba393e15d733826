"""The account as a whole: its alias, its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam import attachments, devices, groups, inline, keys, policies, roles, versions
from skylab.services.iam.names import QUOTAS, Kind, docs, key_of, no_such
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

COUNTED: dict[str, Kind] = {
    "Users": "user",
    "Groups": "group",
    "Roles": "role",
    "Policies": "policy",
    "InstanceProfiles": "instance-profile",
    "Providers": "oidc-provider",
    "MFADevices": "mfa",
}
LIMITS = {
    "AccessKeysPerUserQuota": keys.MOST,
    "AssumeRolePolicySizeQuota": roles.TRUST_SIZE,
    "AttachedPoliciesPerGroupQuota": attachments.MOST,
    "AttachedPoliciesPerRoleQuota": attachments.MOST,
    "AttachedPoliciesPerUserQuota": attachments.MOST,
    "GroupPolicySizeQuota": inline.SIZES["group"],
    "GroupsPerUserQuota": groups.PER_USER,
    "PolicySizeQuota": policies.SIZE,
    "PolicyVersionsInUseQuota": policies.VERSIONS_IN_USE,
    "RolePolicySizeQuota": inline.SIZES["role"],
    "UserPolicySizeQuota": inline.SIZES["user"],
    "VersionsPerPolicyQuota": versions.MOST,
    # Of these nothing is or can be made here.
    "AccountPasswordPresent": 0,
    "AccountSigningCertificatesPresent": 0,
    "AccountMFAEnabled": 0,
    "ServerCertificates": 0,
}


class AccountWide:
    def create_account_alias(self, call: Call, request: CreateAccountAliasRequest) -> None:
        """An account has one: a new one takes the place of the old."""
        alias = request["AccountAlias"]
        with call.writing() as tx:
            taken = tx.db.execute(
                "select account from resource where service = 'iam' and type = 'alias' and name = ?", (alias,)
            ).fetchone()
            if taken and taken[0] != call.account:
                raise AwsError("EntityAlreadyExists", f"The account alias {alias} already exists.", 409)
            for old in list(docs(tx, call.account, "alias")):
                tx.delete(key_of(call.account, "alias", old["Alias"]))
            tx.create(key_of(call.account, "alias", alias), {"Alias": alias, "Path": "/"}, call.now)

    def list_account_aliases(self, call: Call, request: ListAccountAliasesRequest) -> dict[str, Any]:
        with call.reading() as tx:
            return {"AccountAliases": [doc["Alias"] for doc in docs(tx, call.account, "alias")], "IsTruncated": False}

    def delete_account_alias(self, call: Call, request: DeleteAccountAliasRequest) -> None:
        key = key_of(call.account, "alias", request["AccountAlias"])
        with call.writing() as tx:
            if tx.find(key) is None:
                raise no_such(f"The account alias {key.name} cannot be found.")
            tx.delete(key)

    def get_account_summary(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        with call.reading() as tx:
            counts = {member: len(list(docs(tx, call.account, kind))) for member, kind in COUNTED.items()}
            return {"SummaryMap": counts | _quotas() | LIMITS | _used(tx, call.account)}


def _quotas() -> dict[str, int]:
    shown: tuple[Kind, ...] = ("user", "group", "role", "policy", "instance-profile")
    return {f"{member}Quota": QUOTAS[kind][1] for member, kind in COUNTED.items() if kind in shown}


def _used(tx: Transaction, account: str) -> dict[str, int]:
    return {
        "MFADevicesInUse": sum(len(devices.enabled(tx, user["UserId"])) for user in docs(tx, account, "user")),
        "AccountAccessKeysPresent": int(bool(credentials.owned(tx, account) or credentials.owned(tx, "root"))),
        "PolicyVersionsInUse": sum(len(doc["_"]["versions"]) for doc in docs(tx, account, "policy")),
    }
