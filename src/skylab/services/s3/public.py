"""Whether a bucket's policy is public: some Allow of it is bound neither to fixed principals nor to a fixed place.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
"""

from ipaddress import ip_network
from typing import Any

from skylab.policy.document import Policy, many
from skylab.policy.statement import Statement

# Conditions whose fixed values keep the world out, by their names in lower case.
PLACES = frozenset(
    """
    aws:SourceArn aws:SourceVpc aws:SourceVpce aws:SourceOwner aws:SourceAccount aws:userid aws:PrincipalOrgID
    aws:PrincipalArn aws:PrincipalAccount s3:DataAccessPointArn s3:DataAccessPointAccount
    """.lower().split()
)
FIXING = {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"}
BROADEST = {4: 8, 6: 32}  # prefix lengths; what is wider is everybody
ACCOUNT = 4  # the segment of an ARN


def is_public(policy: Policy) -> bool:
    return any(statement.allows and _open(statement) for statement in policy.statements)


def _open(statement: Statement) -> bool:
    return _to_all(statement) and not any(
        _narrow(operator.lower(), key.lower(), [str(value) for value in many(values)])
        for operator, asked in statement.written.get("Condition", {}).items()
        for key, values in asked.items()
    )


def _to_all(statement: Statement) -> bool:
    whom = statement.principals
    return whom is None or whom.everyone or whom.excluded


def _narrow(operator: str, key: str, values: list[str]) -> bool:
    """Whether a test lets in only what it names; one that also holds without its key does not."""
    operator = operator.removeprefix("foranyvalue:")
    if key == "aws:sourceip":
        return operator == "ipaddress" and all(map(_near, values))
    if key not in PLACES or operator not in FIXING:
        return False
    return all(_fixed(key, value) for value in values)


def _fixed(key: str, value: str) -> bool:
    if "${" in value:
        return False
    if key == "s3:dataaccesspointarn":  # the point may be any, its account not
        parts = value.split(":")
        return len(parts) > ACCOUNT and not _wild(parts[ACCOUNT])
    return not _wild(value)


def _wild(text: str) -> bool:
    return "*" in text or "?" in text


def _near(text: str) -> bool:
    try:
        network: Any = ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= BROADEST[network.version]
