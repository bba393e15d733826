"""Sessions: AssumeRole and GetSessionToken.

A role is read where IAM keeps it, its document; whether it may be assumed is its trust policy's to say.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.policy.request import Request, Who
from skylab.policy.trust import trusts
from skylab.services.call import Call, Principal
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sts import *

CHAINED = ROOT = 3600  # seconds: the longest session of a role from a role's session, and of root
# Each of these would have to narrow a session, or follow it into the next: refused until policies are evaluated.
NOT_YET = ("Policy", "PolicyArns", "TransitiveTagKeys", "ProvidedContexts")


class Sessions:
    def assume_role(self, call: Call, request: AssumeRoleRequest) -> dict[str, Any]:
        for member in NOT_YET:
            if request.get(member):
                raise AwsError("NotImplemented", f"AssumeRole with {member} is not implemented.", 501)
        if "SerialNumber" in request or "TokenCode" in request:
            raise AwsError("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.", 403)
        arn, session = request["RoleArn"], request["RoleSessionName"]
        with call.writing() as tx:
            role = _role(tx, call.principal, request)
            seconds = _duration(call.principal, role, request)
            given = credentials.issue_session(
                tx,
                arn,
                role["RoleId"],
                session,
                call.now,
                call.now + timedelta(seconds=seconds),
                **{m: request[m] for m in ("Tags", "SourceIdentity") if m in request},
            )
        user = {
            "AssumedRoleId": f"{role['RoleId']}:{session}",
            "Arn": f"arn:aws:sts::{arn.split(':')[4]}:assumed-role/{role['RoleName']}/{session}",
        }
        return {"Credentials": given, "AssumedRoleUser": user, "SourceIdentity": request.get("SourceIdentity")}

    def get_session_token(self, call: Call, request: GetSessionTokenRequest) -> dict[str, Any]:
        who = call.principal
        if "SerialNumber" in request or "TokenCode" in request:
            raise AwsError("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.", 403)
        with call.writing() as tx:
            key = credentials.find(tx, who.access_key)
            if key is None or key.token is not None or who.role:
                raise AwsError("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
            seconds = request.get("DurationSeconds", 43_200)
            seconds = min(seconds, ROOT) if _is_root(who) else seconds
            end = call.now + timedelta(seconds=seconds)
            given = credentials.issue_temporary(tx, key.principal, key.owner, call.now, end)
        return {"Credentials": given}


def _role(tx: Transaction, who: Principal, request: Any) -> dict[str, Any]:
    """The role, if it exists and lets who become it: AWS answers the same to both."""
    arn = request["RoleArn"]
    if not (match := re.fullmatch(r"arn:aws:iam::(\d{12}):role/(?:\S+/)?([\w+=,.@-]+)", arn)):
        raise AwsError("ValidationError", f"{arn} is invalid")
    if _is_root(who):
        raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
    role = tx.find(Key(match[1], "", "iam", "role", match[2]))
    for action in _needed(request):
        if role is None or role["Arn"] != arn or not _trusts(role, who, action, request):
            message = f"User: {who.arn} is not authorized to perform: {action} on resource: {arn}"
            raise AwsError("AccessDenied", message, 403)
    assert role is not None  # there is always one action
    return role


def _needed(request: Any) -> list[str]:
    more = {"Tags": "sts:TagSession", "SourceIdentity": "sts:SetSourceIdentity"}
    return ["sts:AssumeRole"] + [action for member, action in more.items() if request.get(member)]


def _trusts(role: dict[str, Any], who: Principal, action: str, request: Any) -> bool:
    owner = role["Arn"].split(":")[4]
    caller = Who(who.account, frozenset([who.arn, *([who.role] if who.role else [])]))
    asked = Request(caller, action, role["Arn"], owner, _context(who, request))
    return trusts(role["AssumeRolePolicyDocument"], asked).allowed


def _context(who: Principal, request: Any) -> dict[str, list[str]]:
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    found = {
        "aws:principalarn": [who.role or who.arn],
        "aws:principalaccount": [who.account],
        "aws:userid": [who.id],
        "sts:rolesessionname": [request["RoleSessionName"]],
    }
    given = {"sts:externalid": "ExternalId", "sts:sourceidentity": "SourceIdentity"}
    found |= {key: [request[member]] for key, member in given.items() if member in request}
    found |= {f"aws:requesttag/{key.lower()}": [value] for key, value in tags.items()}
    return found | ({"aws:tagkeys": list(tags)} if tags else {})


def _duration(who: Principal, role: dict[str, Any], request: Any) -> int:
    seconds: int = request.get("DurationSeconds", 3600)
    if seconds > role["MaxSessionDuration"]:
        raise AwsError(
            "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    if who.role and seconds > CHAINED:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        )
    return seconds


def _is_root(who: Principal) -> bool:
    return who.arn == f"arn:aws:iam::{who.account}:root"
