"""Roles, read where IAM keeps them, and whether one lets somebody become it: its trust policy, evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from skylab.kernel.credentials import Credential
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.policy.request import Request, Who
from skylab.policy.trust import trusts
from skylab.services.call import Call
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


def caller(call: Call) -> Who:
    who = call.principal
    return Who(who.account, frozenset([who.arn, *([who.role] if who.role else [])]))


def caller_context(tx: Transaction, call: Call, known: Credential | None) -> Context:
    """What a trust policy may ask of who signed. known: the key it was signed with."""
    who, kept = call.principal, known.principal if known else {}
    holder = who.role or who.arn
    context = {
        "aws:principalarn": [holder],
        "aws:principalaccount": [who.account],
        "aws:principaltype": ["AssumedRole" if who.role else "User"],
        "aws:userid": [who.id],
    }
    if known and known.token:
        context["aws:multifactorauthpresent"] = ["true" if kept.get("mfa") else "false"]
    if source := kept.get("source_identity"):
        context["aws:sourceidentity"] = [source]
    if ":user/" in who.arn:
        context["aws:username"] = [who.arn.rsplit("/", 1)[-1]]
    tags = {tag["Key"]: tag["Value"] for tag in _entity(tx, holder).get("Tags", [])} | kept.get("tags", {})
    return context | _place(call) | {f"aws:principaltag/{key.lower()}": [value] for key, value in tags.items()}


def request_context(request: Any) -> Context:
    """What a trust policy may ask of an AssumeRole itself."""
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


def _place(call: Call) -> Context:
    return {
        "aws:currenttime": [call.now.strftime("%Y-%m-%dT%H:%M:%SZ")],
        "aws:epochtime": [str(int(call.now.timestamp()))],
        "aws:requestedregion": [call.region],
        "aws:sourceip": [call.http.source],
        "aws:securetransport": ["true" if call.http.secure else "false"],
    }


def _entity(tx: Transaction, arn: str) -> dict[str, Any]:
    """The document of a role or user."""
    kind, _, name = arn.split(":", 5)[5].partition("/")
    return tx.find(Key(arn.split(":")[4], "", "iam", kind, name.rsplit("/", 1)[-1])) or {} if name else {}
