"""Whether a role's trust policy lets somebody become it: a pure function of the policy and who asks.

Conditions are not evaluated yet, and fail closed: an Allow that has one allows nothing, a Deny that has one denies.
"""

import json
from collections.abc import Iterable
from typing import Any

from skylab.kernel.wildcard import like


def trusts(
    policy: str,
    *,
    arn: str = "",
    account: str = "",
    role: str | None = None,
    service: str = "",
    action: str = "sts:AssumeRole",
) -> bool:
    """policy: the stored trust policy, valid JSON.

    The one who asks is either a principal (arn; account; role: the ARN of the role behind a session) or an AWS service
    ("sagemaker.amazonaws.com").
    """
    if service:
        kind, names = "Service", {service}
    else:
        kind, names = "AWS", {"*", arn, account, f"arn:aws:iam::{account}:root"} | ({role} if role else set())
    effects = {
        statement["Effect"]
        for statement in many(json.loads(policy)["Statement"])
        if _concerns(statement, kind, names) and _does(statement, action)
    }
    return effects == {"Allow"}


def many(value: Any) -> list[Any]:
    """Policies write a list of one without its brackets."""
    return value if isinstance(value, list) else [value]


def _concerns(statement: dict[str, Any], kind: str, names: Iterable[str]) -> bool:
    denies = statement["Effect"] == "Deny"
    if "Condition" in statement and not denies:
        return False
    if "NotPrincipal" in statement:
        return denies
    principal = statement["Principal"]
    listed = many(principal.get(kind, [])) if isinstance(principal, dict) else many(principal)
    return not set(names).isdisjoint(listed)


def _does(statement: dict[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return statement["Effect"] == "Deny"
    return any(like(pattern.lower(), action.lower()) for pattern in many(statement["Action"]))
