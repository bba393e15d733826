"""Key policies: every key has exactly one, and nobody may use the key without its leave, not even root."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.kms import states
from skylab.services.kms.lockout import keeps_in
from skylab.services.kms.names import missing, own
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.kms import *

NAME = "default"  # the only one there is
LONGEST = 32 * 1024  # bytes, https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html


class KeyPolicies:
    def put_key_policy(self, call: Call, request: PutKeyPolicyRequest) -> None:
        _named(request)
        with call.reading() as tx:
            _, doc = own(tx, call, request["KeyId"])
        states.customer_managed(call, doc, "PutKeyPolicy")
        policy = checked(call, doc["Arn"], request["Policy"], request.get("BypassPolicyLockoutSafetyCheck", False))
        with call.writing() as tx:
            key, doc = own(tx, call, request["KeyId"])
            doc["_"]["policy"] = policy
            tx.put(key, doc, call.now)

    def get_key_policy(self, call: Call, request: GetKeyPolicyRequest) -> dict[str, Any]:
        _named(request)
        with call.reading() as tx:
            return {"Policy": own(tx, call, request["KeyId"])[1]["_"]["policy"], "PolicyName": NAME}

    def list_key_policies(self, call: Call, request: ListKeyPoliciesRequest) -> dict[str, Any]:
        with call.reading() as tx:
            own(tx, call, request["KeyId"])
        return {"PolicyNames": [NAME], "Truncated": False}


def default(account: str) -> str:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}, indent=2)


def checked(call: Call, arn: str, text: str, bypass: bool) -> str:
    """The policy, if the key may have it. Raises AwsError."""
    if len(text.encode()) > LONGEST:
        raise AwsError("LimitExceededException", f"The key policy is longer than {LONGEST} bytes.")
    if not keeps_in(call, arn, text) and not bypass:
        message = "The new key policy will not allow you to update the key policy in the future."
        raise AwsError("MalformedPolicyDocumentException", message)
    return text


def _named(request: Any) -> None:
    if request.get("PolicyName", NAME) != NAME:
        raise missing("No such policy exists")
