"""What is asked for: by whom, to do what, on what, under which circumstances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Who:
    """arns: every name by which a Principal element may mean the caller: a user's ARN; a session's and its role's.

    service: "sagemaker.amazonaws.com" where an AWS service acts in its own name; federated: the provider's ARN or name
    behind a web identity or SAML session while it is being made.
    """

    account: str
    arns: frozenset[str] = frozenset()
    service: str = ""
    federated: str = ""
    root: bool = False  # the account's root: no identity policy is needed, organisation policies still bind


@dataclass(frozen=True)
class Request:
    """action: "s3:GetObject". resource: an ARN, or "*" for actions without one. owner: the account it belongs to.

    context: condition keys in lower case ("aws:sourceip", "aws:principaltag/team") to their values as text;
    a key that is absent is not there at all.
    """

    who: Who
    action: str
    resource: str
    owner: str
    context: Mapping[str, Sequence[str]] = field(default_factory=dict)
