"""Roles, read where IAM keeps them, and whether one lets somebody become it: its trust policy, evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.policy.request import Request, Who
from skylab.policy.trust import trusts
from skylab.wire.errors import AwsError

ARN = re.compile(r"arn:aws:iam::(\d{12}):role/(?:\S+/)?([\w+=,.@-]+)")
Context = dict[str, list[str]]


def find_role(tx: Transaction, arn: str) -> dict[str, Any] | None:
    """Raises ValidationError for what is no role's ARN."""
    if not (match := ARN.fullmatch(arn)):
        raise AwsError("ValidationError", f"{arn} is invalid")
    role = tx.find(Key(match[1], "", "iam", "role", match[2]))
    return role if role and role["Arn"] == arn else None


def allows(role: dict[str, Any], who: Who, action: str, context: Mapping[str, Sequence[str]]) -> bool:
    owner = role["Arn"].split(":")[4]
    return trusts(role["AssumeRolePolicyDocument"], Request(who, action, role["Arn"], owner, context)).allowed


def request_context(request: Any) -> Context:
    """What a trust policy may ask of what is requested."""
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    members = {
        "sts:externalid": "ExternalId",
        "sts:rolesessionname": "RoleSessionName",
        "sts:sourceidentity": "SourceIdentity",
    }
    context = {key: [request[member]] for key, member in members.items() if member in request}
    if request.get("TransitiveTagKeys"):
        context["sts:transitivetagkeys"] = list(request["TransitiveTagKeys"])
    if tags:
        context["aws:tagkeys"] = list(tags)
    return context | {f"aws:requesttag/{key.lower()}": [value] for key, value in tags.items()}
