"""What an evaluation comes to, why, and how AWS says it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from dataclasses import dataclass
from enum import Enum

from skylab.policy.request import Request
from skylab.policy.statement import Statement


class Reason(Enum):
    ALLOWED = "allowed"
    EXPLICIT_DENY_IDENTITY = "an identity-based policy"
    EXPLICIT_DENY_BOUNDARY = "a permissions boundary"
    EXPLICIT_DENY_SESSION = "a session policy"
    EXPLICIT_DENY_RESOURCE = "a resource-based policy"
    EXPLICIT_DENY_SCP = "a service control policy"
    EXPLICIT_DENY_RCP = "a resource control policy"
    EXPLICIT_DENY_TRUST = "the role trust policy"
    IMPLICIT_IDENTITY = "no identity-based policy"
    IMPLICIT_BOUNDARY = "no permissions boundary"
    IMPLICIT_SESSION = "no session policy"
    IMPLICIT_RESOURCE = "no resource-based policy"
    IMPLICIT_SCP = "no service control policy"
    IMPLICIT_RCP = "no resource control policy"
    IMPLICIT_TRUST = "no role trust policy"

    @property
    def explicit(self) -> bool:
        return self.name.startswith("EXPLICIT")


@dataclass(frozen=True, slots=True)
class Decision:
    """statements: those that decided: the denying ones of an explicit deny, else all that allow (there may be some in a
    denial too: of a policy that another did not join)."""

    reason: Reason
    statements: tuple[Statement, ...] = ()

    @property
    def allowed(self) -> bool:
        return self.reason is Reason.ALLOWED


# Resource-based policies are named by their kind alone, and so is what has no ARN: an inline policy.
UNNAMED = {Reason.EXPLICIT_DENY_RESOURCE, Reason.EXPLICIT_DENY_TRUST}


def worded(decision: Decision, request: Request, caller: str) -> str:
    """AWS's sentence for a denial. caller: the ARN that GetCallerIdentity shows.

    S3 quotes the resource: https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
    """
    sentence = f"User: {caller} is not authorized to perform: {request.action}"
    if request.resource != "*":
        quote = '"' if request.action.startswith("s3:") else ""
        sentence += f" on resource: {quote}{request.resource}{quote}"
    reason = decision.reason
    if not reason.explicit:
        return f"{sentence} because {reason.value} allows the {request.action} action"
    sentence += f" with an explicit deny in {reason.value}"
    source = decision.statements[0].source if decision.statements else ""
    if source.startswith("arn:") and reason not in UNNAMED:
        sentence += f", with policy ARN: {source}"
    return sentence
