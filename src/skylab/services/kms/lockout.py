"""The lockout safety check: would the caller still be allowed to change a key policy, once it is this one?

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key. It is asked of
the key policy alone, as the call stands; a policy that leaves it to the account keeps the caller in.
"""

from collections.abc import Sequence

from skylab.policy import kinds
from skylab.policy.document import Malformed, parse
from skylab.policy.evaluate import Said
from skylab.policy.request import Request, Who
from skylab.services.call import Call
from skylab.wire.errors import AwsError

ACTION = "kms:PutKeyPolicy"


def keeps_in(call: Call, arn: str, text: str) -> bool:
    """Raises MalformedPolicyDocumentException for what is no policy."""
    try:
        policy = kinds.resource(parse(text))
    except Malformed as wrong:
        raise AwsError("MalformedPolicyDocumentException", str(wrong)) from None
    who = call.principal
    names = {who.arn, *([who.role] if who.role else [])}
    asking = Who(who.account, frozenset(names), root=who.arn == f"arn:aws:iam::{who.account}:root")
    said = Said(Request(asking, ACTION, arn, call.account, _context(call)), (policy,), of_resource=True)
    return bool(said.allows) and not said.denies


def _context(call: Call) -> dict[str, Sequence[str]]:
    who = call.principal
    return {
        "kms:calleraccount": (who.account,),
        "kms:bypasspolicylockoutsafetycheck": ("false",),
        "aws:principalarn": (who.role or who.arn,),
        "aws:principalaccount": (who.account,),
        "aws:requestedregion": (call.region,),
        "aws:currenttime": (call.now.strftime("%Y-%m-%dT%H:%M:%SZ"),),
    }
