"""Everything IAM holds, in one listing: GetAccountAuthorizationDetails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam.aws import aws_policies
from skylab.services.iam.names import docs, encoded, page
from skylab.services.iam.policies import uses
from skylab.services.iam.profiles import of_role

if TYPE_CHECKING:
    from skylab.shapes.iam import *

# filter -> the list it is answered in
LISTS = {
    "Group": "GroupDetailList",
    "LocalManagedPolicy": "Policies",
    "AWSManagedPolicy": "Policies",
    "Role": "RoleDetailList",
    "User": "UserDetailList",
}


class Details:
    def get_account_authorization_details(
        self, call: Call, request: GetAccountAuthorizationDetailsRequest
    ) -> dict[str, Any]:
        """Of AWS's policies those that are in use, as in AWS."""
        wanted: Iterable[str] = request.get("Filter") or LISTS
        with call.reading() as tx:
            found = [(kind, each) for kind in sorted(wanted) for each in _of_kind(tx, call.account, kind)]
        answer = page(request, "found", found, lambda each: f"{each[0]}/{each[1]['Arn']}")
        shown: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS.values()}
        for kind, detail in answer.pop("found"):
            shown[LISTS[kind]].append(detail)
        return answer | shown


def _of_kind(tx: Transaction, account: str, kind: str) -> list[dict[str, Any]]:
    """By ARN."""
    count = uses(tx, account)
    match kind:
        case "Group":
            found = [_holder(doc, "GroupPolicyList") for doc in docs(tx, account, "group")]
        case "User":
            users = docs(tx, account, "user")
            found = [_holder(doc, "UserPolicyList") | {"GroupList": doc["_"].get("groups", [])} for doc in users]
        case "Role":
            found = [_role(tx, account, doc) for doc in docs(tx, account, "role")]
        case "LocalManagedPolicy":
            found = [_policy(doc, count) for doc in docs(tx, account, "policy")]
        case _:
            found = [_policy(doc, count) for doc in aws_policies().values() if any(count(doc["Arn"]).values())]
    return sorted(found, key=lambda detail: detail["Arn"])


def _holder(doc: dict[str, Any], inline: str) -> dict[str, Any]:
    """A user, group or role with its policies."""
    texts = sorted(doc["_"]["inline"].items())
    return doc | {
        inline: [{"PolicyName": name, "PolicyDocument": encoded(text)} for name, text in texts],
        "AttachedManagedPolicies": [
            {"PolicyName": arn.rsplit("/", 1)[-1], "PolicyArn": arn} for arn in doc["_"]["attached"]
        ],
    }


def _role(tx: Transaction, account: str, doc: dict[str, Any]) -> dict[str, Any]:
    return _holder(doc, "RolePolicyList") | {
        "AssumeRolePolicyDocument": encoded(doc["AssumeRolePolicyDocument"]),
        "InstanceProfileList": of_role(tx, account, doc["RoleName"]),
    }


def _policy(doc: dict[str, Any], count: Callable[[str], dict[str, int]]) -> dict[str, Any]:
    default = doc["DefaultVersionId"]
    versions = [
        version | {"Document": encoded(version["Document"]), "IsDefaultVersion": version["VersionId"] == default}
        for version in doc["_"]["versions"]
    ]
    return doc | count(doc["Arn"]) | {"PolicyVersionList": versions}
