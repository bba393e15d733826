"""A policy, read once: the grammar of AWS's policy language, and what it compiles to.

The grammar here is what all policies share; what each kind demands besides is in kinds.py.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from skylab.policy.conditions import Test, compiled
from skylab.policy.patterns import patterns
from skylab.policy.principals import Principals, principals
from skylab.policy.resources import resources
from skylab.policy.statement import Statement

WITH_VARIABLES = "2012-10-17"
VERSIONS = (WITH_VARIABLES, "2008-10-17")  # without one it is the older
TOP = {"Version", "Id", "Statement"}
MEMBERS = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
PRINCIPALS = {"AWS", "Service", "Federated", "CanonicalUser"}
AWS_PRINCIPAL = re.compile(  # a wildcard is no part of a name
    r"\*|[0-9]{12}|A[IR][A-Z0-9]{15,}"
    r"|arn:aws:(iam::[0-9]{12}:(root|(user|role)/[^\s*]+)|sts::[0-9]{12}:(assumed-role|federated-user)/[^\s*]+)"
)
SERVICE_PRINCIPAL = re.compile(r"[a-z0-9.-]+\.amazonaws\.com")
VENDOR = re.compile(r"[a-zA-Z0-9.-]+|\*")
SYNTAX = "Syntax errors in policy."
LEGACY = "The policy failed legacy parsing"  # what IAM says of values that cannot be read


class Malformed(ValueError):
    """Not a policy. str() is AWS's wording; each service has its own code for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """source: what reports call it; a managed policy's ARN, a SourcePolicyId."""

    text: str
    source: str
    variables: bool
    statements: tuple[Statement, ...]
    by_vendor: Mapping[str, tuple[Statement, ...]]  # those that may concern an action of it
    of_all: tuple[Statement, ...]  # those that may concern any other

    def about(self, vendor: str) -> tuple[Statement, ...]:
        return self.by_vendor.get(vendor, self.of_all)

    @property
    def keys(self) -> list[str]:
        """The condition keys it asks for, as they are written, each once."""
        return list(dict.fromkeys(key for statement in self.statements for key in statement.keys))


def parse(text: str, source: str = "") -> Policy:
    """Raises Malformed, whatever the text."""
    document = _read(text)
    if not isinstance(document, dict) or document.keys() - TOP or "Statement" not in document:
        _malformed()
    if not isinstance(document.get("Id", ""), str):
        _malformed()
    if document.get("Version", VERSIONS[0]) not in VERSIONS:
        _malformed("The policy must contain a valid version string")
    variables = document.get("Version") == WITH_VARIABLES
    written = many(document["Statement"])
    if not written or not all(isinstance(each, dict) for each in written):
        _malformed()
    statements = tuple(_statement(each, index, source, variables) for index, each in enumerate(written))
    sids = [statement.sid for statement in statements if "Sid" in statement.written]
    if len(sids) != len(set(sids)):
        _malformed("Statement IDs (SID) in a single policy must be unique.")
    return Policy(text, source, variables, statements, *_indexed(statements))


def many(value: Any) -> list[Any]:
    """Policies write a list of one without its brackets."""
    return value if isinstance(value, list) else [value]


def _malformed(message: str = SYNTAX) -> NoReturn:
    raise Malformed(message)


def _read(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_json)
    except (ValueError, RecursionError):
        _malformed("This policy contains invalid Json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a member is there twice")
    return found


def _no_json(constant: str) -> NoReturn:
    raise ValueError(constant)


def _statement(written: dict[str, Any], index: int, source: str, variables: bool) -> Statement:
    if written.keys() - MEMBERS or not isinstance(written.get("Sid", ""), str):
        _malformed()
    if (effect := written.get("Effect")) not in ("Allow", "Deny"):
        _malformed(LEGACY if isinstance(effect, str) and effect.lower() in ("allow", "deny") else SYNTAX)
    tests = _tests(written.get("Condition", {}), variables)
    action, actions = _one_of(written, "Action", "NotAction")
    if not actions:
        _malformed("Policy statement must contain actions.")
    resource, named = _one_of(written, "Resource", "NotResource")
    if resource and not named:
        _malformed("Policy statement must contain resources.")
    return Statement(
        written=written,
        index=index,
        source=source,
        allows=effect == "Allow",
        actions=patterns(map(_action, actions)),
        but_actions=action == "NotAction",
        resources=resources(named, variables) if resource else None,
        but_resources=resource == "NotResource",
        principals=_principals(written),
        tests=tests,
    )


def _one_of(written: dict[str, Any], member: str, other: str) -> tuple[str, list[str]]:
    """Which of the two is there, and its texts; "" and none where neither is."""
    if member in written and other in written:
        _malformed()
    there = member if member in written else other if other in written else ""
    return there, _strings(written[there]) if there else []


def _strings(value: Any) -> list[str]:
    values = many(value)
    if not all(isinstance(each, str) for each in values):
        _malformed()
    return values


def _action(text: str) -> str:
    """In lower case, as actions are compared. "*" is the one action without a vendor."""
    vendor, colon, name = text.partition(":")
    if text == "*":
        return text
    if not colon:
        _malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if ":" in name:
        _malformed("Actions/Condition can contain only one colon.")
    if not VENDOR.fullmatch(vendor):
        _malformed(f"Vendor {vendor} is not valid")
    return text.lower()


def _tests(condition: Any, variables: bool) -> tuple[Test, ...]:
    if not isinstance(condition, dict) or not all(isinstance(asked, dict) for asked in condition.values()):
        _malformed()
    tests = []
    for operator, asked in condition.items():
        for key, value in asked.items():
            try:
                tests.append(compiled(operator, key, [_value(each) for each in many(value)], variables))
            except KeyError:
                _malformed()
            except Malformed:
                raise
            except ValueError:
                _malformed(LEGACY)
    return tuple(tests)


def _value(value: Any) -> str:
    """Quotation marks are optional for numbers and truth values."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        _malformed()
    return str(value)


def _principals(written: dict[str, Any]) -> Principals | None:
    if "Principal" in written and "NotPrincipal" in written:
        _malformed()
    excluded = "NotPrincipal" in written
    value = written.get("NotPrincipal" if excluded else "Principal", ...)
    if value is ...:
        return None
    if value == "*":
        return principals({}, True, excluded)
    if not isinstance(value, dict) or not value or value.keys() - PRINCIPALS:
        _malformed("Invalid principal in policy.")
    members = {kind: _strings(names) for kind, names in value.items()}
    for kind, shape in (("AWS", AWS_PRINCIPAL), ("Service", SERVICE_PRINCIPAL)):
        for name in members.get(kind, []):
            if not shape.fullmatch(name):
                _malformed(f'Invalid principal in policy: "{kind}":"{name}"')
    return principals(members, False, excluded)


def _indexed(statements: tuple[Statement, ...]) -> tuple[dict[str, tuple[Statement, ...]], tuple[Statement, ...]]:
    vendors = {vendor for statement in statements for vendor in _vendors(statement)}
    of_all = tuple(statement for statement in statements if not _vendors(statement))
    return {
        vendor: tuple(each for each in statements if not _vendors(each) or vendor in _vendors(each))
        for vendor in vendors
    }, of_all


def _vendors(statement: Statement) -> set[str]:
    """Of the actions that a statement may concern; none where it may concern those of any."""
    if statement.but_actions:
        return set()
    actions = many(statement.written["Action"])
    vendors = {action.partition(":")[0].lower() for action in actions}
    return set() if "*" in vendors else vendors
