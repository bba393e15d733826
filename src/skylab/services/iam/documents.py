"""Whether a text is a policy: the grammar of IAM's policy language, checked before anything is stored."""

import json
import re
from typing import Any, NoReturn

from skylab.kernel.trust import many
from skylab.wire.errors import AwsError

VERSIONS = ("2012-10-17", "2008-10-17")
TOP = {"Version", "Id", "Statement"}
MEMBERS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
PRINCIPALS = {"AWS", "Service", "Federated", "CanonicalUser"}
AWS_PRINCIPAL = re.compile(r"\*|\d{12}|arn:aws:(iam::\d{12}:(root|(user|role)/\S+)|sts::\d{12}:\S+)|A[IR][A-Z0-9]{15,}")


def check_trust(text: str) -> None:
    """A role's trust policy. Raises MalformedPolicyDocument."""
    for statement in _statements(text):
        if {"Resource", "NotResource"} & statement.keys():
            _malformed("Has prohibited field Resource")
        _exactly_one(statement, "Principal", "NotPrincipal", "Missing required field Principal")
        _check_principal(statement.get("Principal", statement.get("NotPrincipal")))
        if any(not action.lower().startswith("sts:") and action != "*" for action in _actions(statement)):
            _malformed("AssumeRole policy may only specify STS AssumeRole actions.")


def check_identity(text: str) -> None:
    """A policy of a user or role, managed or inline. Raises MalformedPolicyDocument."""
    for statement in _statements(text):
        if {"Principal", "NotPrincipal"} & statement.keys():
            _malformed("Policy document should not specify a principal.")
        _exactly_one(statement, "Resource", "NotResource", "Policy statement must contain resources.")
        resources = _strings(statement.get("Resource", statement.get("NotResource")))
        for resource in resources:
            if resource != "*" and not re.match(r"arn:|\*", resource):
                _malformed(f'Resource {resource} must be in ARN format or "*".')
        _actions(statement)


def size(text: str) -> int:
    """As IAM counts a policy against its quotas: without white space."""
    return len(re.sub(r"\s", "", text))


def _malformed(message: str) -> NoReturn:
    raise AwsError("MalformedPolicyDocument", message)


def _statements(text: str) -> list[dict[str, Any]]:
    try:
        policy = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        _malformed("This policy contains invalid Json")
    if not isinstance(policy, dict) or policy.keys() - TOP or "Statement" not in policy:
        _malformed("Syntax errors in policy.")
    if policy.get("Version", VERSIONS[0]) not in VERSIONS:
        _malformed("The policy must contain a valid version string")
    statements = many(policy["Statement"])
    if not statements or not all(isinstance(each, dict) for each in statements):
        _malformed("Syntax errors in policy.")
    for statement in statements:
        _check_members(statement)
    sids = [statement["Sid"] for statement in statements if "Sid" in statement]
    if len(sids) != len(set(sids)):
        _malformed("Statement IDs (SID) in a single policy must be unique.")
    return statements


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a member is there twice")
    return found


def _check_members(statement: dict[str, Any]) -> None:
    condition = statement.get("Condition", {})
    if (
        statement.keys() - MEMBERS
        or statement.get("Effect") not in ("Allow", "Deny")
        or not isinstance(statement.get("Sid", ""), str)
        or not isinstance(condition, dict)
        or not all(isinstance(tested, dict) for tested in condition.values())
    ):
        _malformed("Syntax errors in policy.")


def _exactly_one(statement: dict[str, Any], member: str, other: str, message: str) -> None:
    if member not in statement and other not in statement:
        _malformed(message)
    if member in statement and other in statement:
        _malformed("Syntax errors in policy.")


def _strings(value: Any) -> list[str]:
    values = many(value)
    if not values or not all(isinstance(each, str) for each in values):
        _malformed("Syntax errors in policy.")
    return values


def _actions(statement: dict[str, Any]) -> list[str]:
    _exactly_one(statement, "Action", "NotAction", "Policy statement must contain actions.")
    actions = _strings(statement.get("Action", statement.get("NotAction")))
    if any(action != "*" and not re.fullmatch(r"[\w-]+:[\w*?-]+", action) for action in actions):
        _malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    return actions


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal or principal.keys() - PRINCIPALS:
        _malformed("Invalid principal in policy.")
    for kind, names in principal.items():
        for name in _strings(names):
            if kind == "AWS" and not AWS_PRINCIPAL.fullmatch(name):
                _malformed(f'Invalid principal in policy: "{kind}":"{name}"')
            if kind == "Service" and not re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", name):
                _malformed(f'Invalid principal in policy: "{kind}":"{name}"')
