"""What STS's operations need; a role's trust policy is the policy of the resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from skylab.kernel.key import Key
from skylab.services.access import NOTHING, Entry, Need, Parameters, Source, tag_map
from skylab.services.call import Call
from skylab.wire.errors import AwsError

ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/(?:\S+/)?([\w+=,.@-]+)")


def transitive(call: Call, parameters: Parameters) -> list[str] | None:
    return parameters.get("TransitiveTagKeys") or None


def named(call: Call, parameters: Parameters) -> str:
    """Raises AwsError (ValidationError) for what is no ARN of a role."""
    arn: str = parameters["RoleArn"]
    if not ROLE.fullmatch(arn):
        raise AwsError("ValidationError", f"{arn} is invalid")
    return arn


SESSION: dict[str, Source] = {
    "sts:RoleSessionName": "RoleSessionName",
    "sts:ExternalId": "ExternalId",
    "sts:SourceIdentity": "SourceIdentity",
    "sts:TransitiveTagKeys": transitive,
}

ACCESS: dict[str, Entry] = {
    "AssumeRole": (
        Need("sts:AssumeRole", named, SESSION, tags="Tags"),
        Need("sts:TagSession", named, SESSION, tags="Tags", when="Tags"),
        Need("sts:SetSourceIdentity", named, SESSION, tags="Tags", when="SourceIdentity"),
    ),
    "GetAccessKeyInfo": (Need("sts:GetAccessKeyInfo"),),
    "GetCallerIdentity": NOTHING,
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
