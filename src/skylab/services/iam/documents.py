"""The policy language's complaints in IAM's words."""

from collections.abc import Callable

from skylab.policy import kinds
from skylab.policy.document import Malformed, Policy, parse
from skylab.policy.kinds import size as size  # IAM's quotas count by it
from skylab.wire.errors import AwsError


def check_trust(text: str) -> Policy:
    """A role's trust policy. Raises MalformedPolicyDocument."""
    return _checked(text, kinds.trust)


def check_identity(text: str) -> Policy:
    """A policy of a user, group or role, managed or inline. Raises MalformedPolicyDocument."""
    return _checked(text, kinds.identity)


def check_resource(text: str) -> Policy:
    """A resource's policy. Raises MalformedPolicyDocument."""
    return _checked(text, kinds.resource)


def _checked(text: str, kind: Callable[[Policy], Policy]) -> Policy:
    try:
        return kind(parse(text))
    except Malformed as problem:
        raise AwsError("MalformedPolicyDocument", str(problem)) from problem
