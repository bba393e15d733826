"""What a role's trust policy alone says, where the one who asks has no policies of its own, or they are asked apart."""

from skylab.policy.decision import Decision, Reason
from skylab.policy.document import parse
from skylab.policy.evaluate import Said
from skylab.policy.request import Request


def trusts(text: str, request: Request) -> Decision:
    """request: action "sts:AssumeRole", "sts:TagSession" …; resource and owner the role's. Raises Malformed."""
    said = Said(request, (parse(text),), of_resource=True)
    if said.denies:
        return Decision(Reason.EXPLICIT_DENY_TRUST, tuple(said.denies))
    return Decision(Reason.ALLOWED if said.allows else Reason.IMPLICIT_TRUST, tuple(said.allows))
