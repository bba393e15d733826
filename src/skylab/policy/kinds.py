"""What the kinds of policies demand beyond the grammar they share. Each raises Malformed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html#policies-grammar-notes
"""

import re

from skylab.policy.document import LEGACY, Malformed, Policy, many
from skylab.policy.resources import SEGMENTS, completed
from skylab.policy.statement import Statement
from skylab.policy.variables import masked

PARTITIONS = {"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"}
TRUST_ACTION = re.compile(r"sts:.*|\*", re.IGNORECASE | re.DOTALL)


def identity(policy: Policy) -> Policy:
    """A policy of a user, group, role or session: it says nothing of principals, and names resources."""
    for statement in policy.statements:
        if statement.principals is not None:
            raise Malformed("Policy document should not specify a principal.")
        if statement.resources is None:
            raise Malformed("Policy statement must contain resources.")
        for resource in _resources(statement):
            _check(resource)
    return policy


def trust(policy: Policy) -> Policy:
    """A role's trust policy: it says who, and nothing of resources."""
    for statement in policy.statements:
        if statement.resources is not None:
            raise Malformed("Has prohibited field Resource")
        if "NotPrincipal" in statement.written:
            raise Malformed("Has prohibited field NotPrincipal")
        if statement.principals is None:
            raise Malformed("Missing required field Principal")
        actions = many(statement.written.get("Action", statement.written.get("NotAction")))
        if not all(TRUST_ACTION.fullmatch(action) for action in actions):
            raise Malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    return policy


def resource(policy: Policy) -> Policy:
    """A policy of a bucket, a key …: it says who. Which actions and resources it may name is its service's to say."""
    for statement in policy.statements:
        if statement.principals is None:
            raise Malformed("Missing required field Principal")
    return policy


def size(text: str) -> int:
    """As IAM counts a policy against its quotas: without white space."""
    return len(re.sub(r"\s", "", text))


def _resources(statement: Statement) -> list[str]:
    return many(statement.written.get("Resource", statement.written.get("NotResource")))


def _check(text: str) -> None:
    """A name of a resource: "*", or an ARN whose partition and service are there."""
    if text == "*":
        return
    if ":" not in text:
        raise Malformed(f'Resource {text} must be in ARN format or "*".')
    written = masked(text).split(":", SEGMENTS - 1)
    segments = completed(text)
    if written[0] != "*" and (partition := segments[1]) not in PARTITIONS | {"*"}:
        raise Malformed(f'Partition "{partition}" is not valid for resource "{":".join(["arn", *segments[1:]])}".')
    if len(written) > 1 and (len(written) < 3 or re.search(r"[*?\0]", written[2])):
        raise Malformed("Resource vendor must be fully qualified and cannot contain regexes.")
    if len(written) in (4, 5) or not written[2]:
        raise Malformed(LEGACY)
    if written[2] == "iam" and written[3]:
        raise Malformed(f"IAM resource {text} cannot contain region information.")
