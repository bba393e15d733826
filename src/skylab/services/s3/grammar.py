"""What S3 demands of a bucket's policy beyond the policy language, in its own words.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/AccessPolicyLanguage_SpecialInfo.html
"""

import json
from typing import Any, NoReturn

from skylab.kernel.wildcard import like
from skylab.policy import kinds
from skylab.policy.document import Malformed, Policy, many, parse
from skylab.policy.statement import Statement
from skylab.services.s3 import actions
from skylab.wire.errors import AwsError

MOST_BYTES = 20 * 1024
ARN = "arn:aws:s3:::"
_REQUIRED = (("Effect",), ("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))


def checked(text: str, bucket: str) -> Policy:
    """Raises AwsError: MalformedPolicy, 400."""
    if len(text.encode(errors="surrogatepass")) > MOST_BYTES:
        _refuse("Policy exceeds the maximum allowed document size.")
    if not text.startswith("{"):
        _refuse("Policies must be valid JSON and the first byte must be '{'")
    _check_members(text)
    try:
        policy = kinds.resource(parse(text))
    except Malformed as problem:
        _refuse(_worded(str(problem)))
    for statement in policy.statements:
        _check_statement(statement, bucket)
    return policy


def _refuse(message: str, **members: str) -> NoReturn:
    raise AwsError("MalformedPolicy", message, 400, **members)


def _worded(message: str) -> str:
    """The language's refusals as S3 says them; those it shares with IAM stay as they are."""
    if message.startswith("Invalid principal"):
        return "Invalid principal in policy"
    if message.startswith(("Actions/Condition", "Vendor")):
        return "Policy has invalid action"
    return message


def _check_members(text: str) -> None:
    """What is missing is called by its name. What cannot be read at all is left to the parser."""
    try:
        written = json.loads(text)
    except (ValueError, RecursionError):
        return
    if "Statement" not in written:
        _refuse("Missing required field Statement")
    for statement in many(written["Statement"]):
        for names in _REQUIRED if isinstance(statement, dict) else ():
            if not any(name in statement for name in names):
                _refuse(f"Missing required field {names[0]}")


def _check_statement(statement: Statement, bucket: str) -> None:
    written = statement.written
    named = many(written.get("Resource", written.get("NotResource")))
    for resource in named:
        if not _is_of(resource, bucket):
            _refuse("Policy has invalid resource", Detail=resource[:1024])
    for action in many(written.get("Action", written.get("NotAction"))):
        on_objects, on_buckets = actions.meant(action)
        if not (on_objects or on_buckets):
            _refuse("Policy has invalid action", Detail=action[:1024])
        if "Action" in written and "Resource" in written and not _applies(named, on_objects, on_buckets):
            _refuse("Action does not apply to any resource(s) in statement", Detail=action[:1024])


def _is_of(resource: Any, bucket: str) -> bool:
    """The bucket itself, or what lies in it. Nothing else is a matter of its policy."""
    return resource.startswith(ARN) and like(resource.removeprefix(ARN).partition("/")[0], bucket)


def _applies(resources: list[str], on_objects: bool, on_buckets: bool) -> bool:
    """A name that ends in * may go on with a slash, and so mean both."""
    return any(
        (on_buckets and "/" not in name) or (on_objects and ("/" in name or name.endswith("*")))
        for name in (resource.removeprefix(ARN) for resource in resources)
    )
