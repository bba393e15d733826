"""What narrows a session or marks it: session policies and session tags, with their limits.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

from __future__ import annotations

import json
import math
import zlib
from importlib import resources
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.policy import kinds
from skylab.policy.document import Malformed, parse
from skylab.wire.errors import AwsError

PLAIN, ARNS, TAGS = 2048, 10, 50  # characters of policies and ARNs together; ARNs; tags
PACKED = 2048  # bytes: what all of it may come to when it is compressed
AWS = "arn:aws:iam::aws:policy/"


def policies(tx: Transaction, account: str, request: Any) -> dict[str, Any]:
    """The principal's members policies and policy_arns; neither where nothing narrows the session."""
    text, arns = request.get("Policy"), [each["arn"] for each in request.get("PolicyArns", []) if "arn" in each]
    if text is not None:
        try:
            kinds.identity(parse(text))
        except Malformed as problem:
            raise AwsError("MalformedPolicyDocument", str(problem)) from problem
    if len(arns) > ARNS:
        raise AwsError("ValidationError", f"A session takes {ARNS} policy ARNs at most.")
    if len(text or "") + sum(map(len, arns)) > PLAIN:
        raise AwsError("ValidationError", f"Session policies may not be longer than {PLAIN} characters together.")
    for arn in arns:
        if not _there(tx, account, arn):
            raise AwsError("ValidationError", f"Policy {arn} does not exist or is not of account {account}.")
    return ({"policies": [text]} if text is not None else {}) | ({"policy_arns": arns} if arns else {})


def _there(tx: Transaction, account: str, arn: str) -> bool:
    name = arn.rsplit("/", 1)[-1]
    if arn.startswith(AWS):
        file = resources.files("skylab.services.iam").joinpath("managed", f"{name}.json")
        return file.is_file() and arn == f"arn:aws:iam::aws:policy{json.loads(file.read_text())['Path']}{name}"
    doc = tx.find(Key(account, "", "iam", "policy", name))
    return doc is not None and doc["Arn"] == arn


def tags(request: Any, before: dict[str, Any]) -> dict[str, Any]:
    """The principal's members tags and transitive. before: the calling session's, whose transitive tags go along."""
    new = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    lower = {key.lower() for key in new}
    if len(lower) < len(request.get("Tags", [])):
        raise _invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.startswith("aws:") for key in lower):
        raise _invalid("Tag keys that begin with aws: are reserved.")
    kept = before.get("transitive", [])
    if lower & {key.lower() for key in kept}:
        raise _invalid(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from"
            " the calling session."
        )
    transitive = request.get("TransitiveTagKeys", [])
    if not {key.lower() for key in transitive} <= lower:
        raise _invalid("The specified transitive tag key must be included in the requested tags.")
    whole = {key: before["tags"][key] for key in kept} | new
    if len(whole) > TAGS:
        raise _invalid(f"A session has {TAGS} tags at most, those it inherits included.")
    going = [*kept, *(key for key in new if key.lower() in {each.lower() for each in transitive})]
    return ({"tags": whole} if whole else {}) | ({"transitive": going} if going else {})


def packed_size(principal: dict[str, Any]) -> int | None:
    """How full, in percent, policies and tags make the room that a session has for them; None where it has none.

    AWS packs them in a form it does not publish. Here they are compressed, and the room is PACKED bytes.
    """
    packed = {m: principal[m] for m in ("policies", "policy_arns", "tags", "transitive") if principal.get(m)}
    if not packed:
        return None
    percent = math.ceil(100 * len(zlib.compress(json.dumps(packed).encode(), 9)) / PACKED)
    if percent > 100:
        raise AwsError(
            "PackedPolicyTooLarge", f"Packed size of session tags consumes {percent}% of allotted space.", 400
        )
    return percent


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)
