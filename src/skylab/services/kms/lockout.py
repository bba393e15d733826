"""The lockout safety check: would the caller still be allowed to change a key policy, once it is this one?

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key. Conditions are
not looked into: neither an Allow nor a Deny that has one counts.
"""

import json
from typing import Any

from skylab.kernel.wildcard import like
from skylab.services.call import Call, Principal
from skylab.wire.errors import AwsError

ACTION = "kms:PutKeyPolicy"


def keeps_in(call: Call, arn: str, text: str) -> bool:
    """Raises MalformedPolicyDocumentException for what is no policy."""
    about = [each for each in _statements(text) if _about(call.principal, arn, each)]
    return any(each["Effect"] == "Allow" for each in about) and not any(each["Effect"] == "Deny" for each in about)


def _statements(text: str) -> list[dict[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed("Policy contains invalid JSON.") from None
    if not isinstance(document, dict) or document.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        raise _malformed("Policy document is not a valid policy.")
    statements = document.get("Statement")
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not all(isinstance(each, dict) for each in statements):
        raise _malformed("Policy document must have statements.")
    for each in statements:
        if each.get("Effect") not in ("Allow", "Deny"):
            raise _malformed("Policy contains a statement without an effect.")
        if not isinstance(each.get("Principal", each.get("NotPrincipal")), str | dict):
            raise _malformed("Policy contains a statement with no principal.")
    return statements


def _about(who: Principal, arn: str, statement: dict[str, Any]) -> bool:
    """Whether the statement is about who's PutKeyPolicy on this key."""
    actions, resources = _texts(statement.get("Action")), _texts(statement.get("Resource"))
    return (
        "Condition" not in statement
        and any(like(action.lower(), ACTION.lower()) for action in actions)
        and any(like(resource, arn) for resource in resources)
        and _named(who, statement.get("Principal"))
    )


def _named(who: Principal, principal: Any) -> bool:
    if principal == "*":
        return True
    named = _texts(principal.get("AWS")) if isinstance(principal, dict) else []
    account = {"*", who.account, f"arn:aws:iam::{who.account}:root"}
    return bool({*named} & {*account, who.arn, who.role or who.arn})


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [each for each in value or [] if isinstance(each, str)]


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocumentException", message)
