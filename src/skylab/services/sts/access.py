"""What STS's operations need; a role's trust policy is the policy of the resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skylab.kernel.key import Key
from skylab.services.access import ITSELF, NOTHING, Entry, Need, Parameters, Source, tag_map
from skylab.services.call import Call


def transitive(call: Call, parameters: Parameters) -> list[str] | None:
    return parameters.get("TransitiveTagKeys") or None


FEDERATED = "arn:aws:sts::{account}:federated-user/{Name}"
SESSION: dict[str, Source] = {
    "sts:RoleSessionName": "RoleSessionName",
    "sts:ExternalId": "ExternalId",
    "sts:SourceIdentity": "SourceIdentity",
    "sts:TransitiveTagKeys": transitive,
}

ACCESS: dict[str, Entry] = {
    "AssumeRole": ITSELF,  # whether there was an MFA device is known only when its code was proved
    "AssumeRoleWithWebIdentity": NOTHING,  # unsigned: the token is proved, and the trust policy asked, by itself
    "AssumeRoleWithSAML": NOTHING,  # unsigned as well; it is refused by name
    "DecodeAuthorizationMessage": (Need("sts:DecodeAuthorizationMessage"),),
    "GetAccessKeyInfo": (Need("sts:GetAccessKeyInfo"),),
    "GetCallerIdentity": NOTHING,
    "GetFederationToken": (
        Need("sts:GetFederationToken", FEDERATED, tags="Tags"),
        Need("sts:TagSession", lambda call, parameters: call.principal.arn, tags="Tags", when="Tags"),
    ),
    "GetSessionToken": NOTHING,
}


POLICY = "trust"


def resource_policy(call: Call, arn: str) -> str | None:
    return role(call, arn).get("AssumeRolePolicyDocument")


def resource_tags(call: Call, arn: str) -> Mapping[str, str]:
    return tag_map(role(call, arn).get("Tags"))


def role(call: Call, arn: str) -> dict[str, Any]:
    """The document that IAM keeps of a role; empty where there is none of this ARN."""
    parts = arn.split(":")
    if len(parts) != 6 or not parts[5].startswith("role/"):
        return {}
    with call.reading() as tx:
        doc = tx.find(Key(parts[4], "", "iam", "role", arn.rsplit("/", 1)[-1]))
    return doc if doc and doc["Arn"] == arn else {}
