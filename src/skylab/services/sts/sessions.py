"""AssumeRole: a session of a role, for whom its trust policy lets.

proved (MFA) → trusted, for each action the request needs → narrowed (policies), marked (tags, source identity) → issued
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials, totp
from skylab.kernel.credentials import Credential
from skylab.kernel.store import Transaction
from skylab.services.access import Need
from skylab.services.call import Call, Principal, Session
from skylab.services.sts import narrowing
from skylab.services.sts.access import SESSION
from skylab.services.sts.roles import find_role
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sts import *

CHAINED = 3600  # seconds: the longest session of a role from a role's session


ROLE = "{RoleArn}"


class Sessions:
    def assume_role(self, call: Call, request: AssumeRoleRequest) -> dict[str, Any]:
        if request.get("ProvidedContexts"):
            raise AwsError("NotImplemented", "AssumeRole with ProvidedContexts is not implemented.", 501)
        with call.writing() as tx:
            known = credentials.find(tx, call.principal.access_key)
            before = known.principal if known else {}
            mfa = authenticated(tx, call, known, request)
            role = find_role(tx, request["RoleArn"])
        if is_root(call.principal):
            raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
        _demand(with_device(call) if mfa else call, before, request)
        assert role is not None  # it has a trust policy that was asked
        seconds = duration(call.principal, role, request)
        more = {"mfa": "TokenCode" in request} | narrowing.tags(request, before) | _source(call, before, request)
        with call.writing() as tx:
            return issued(tx, call, role, seconds, more, request)


def issued(
    tx: Transaction, call: Call, role: dict[str, Any], seconds: int, more: dict[str, Any], request: Any
) -> dict[str, Any]:
    """The answer to an AssumeRole of any kind. more: of the principal."""
    arn, session = role["Arn"], request["RoleSessionName"]
    account = arn.split(":")[4]
    issuer = {"arn": arn, "id": role["RoleId"], "name": role["RoleName"]}
    more = {"type": "AssumedRole", "issued": call.now.timestamp(), "issuer": issuer} | more
    more |= narrowing.policies(tx, account, request)
    size = narrowing.packed_size(more)
    end = call.now + timedelta(seconds=seconds)
    given = credentials.issue_session(tx, arn, role["RoleId"], session, call.now, end, **more)
    user = {
        "AssumedRoleId": f"{role['RoleId']}:{session}",
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/{session}",
    }
    answer = {"Credentials": given, "AssumedRoleUser": user, "SourceIdentity": more.get("source_identity")}
    return answer | {"PackedPolicySize": size}


def authenticated(tx: Transaction, call: Call, known: Credential | None, request: Any) -> bool:
    """Whether the caller proved an MFA device: in this request, or when its session began. Raises AccessDenied."""
    if "SerialNumber" not in request and "TokenCode" not in request:
        return bool(known and known.principal.get("mfa"))
    serial, code = request.get("SerialNumber", ""), request.get("TokenCode", "")
    if known is None or not totp.proved(tx, call.part["vault"], known.owner, serial, code, call.now):
        message = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
        raise AwsError("AccessDenied", message, 403)
    return True


def duration(who: Principal, role: dict[str, Any], request: Any) -> int:
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


def is_root(who: Principal) -> bool:
    return who.arn == f"arn:aws:iam::{who.account}:root"


def with_device(call: Call) -> Call:
    """The same call by somebody who has just proved an MFA device."""
    session = call.principal.session or Session(created=call.now)
    return replace(call, principal=replace(call.principal, session=replace(session, mfa=True)))


def _demand(call: Call, before: dict[str, Any], request: Any) -> None:
    """What the role's trust and the caller's own policies must allow. What a session inherits needs it as well."""
    call.demand(Need("sts:AssumeRole", ROLE, SESSION, tags="Tags"), request)
    if request.get("Tags") or before.get("transitive"):
        call.demand(Need("sts:TagSession", ROLE, SESSION, tags="Tags"), request)
    if request.get("SourceIdentity") or before.get("source_identity"):
        call.demand(Need("sts:SetSourceIdentity", ROLE, SESSION, tags="Tags"), request)


def _source(call: Call, before: dict[str, Any], request: Any) -> dict[str, Any]:
    """A source identity, once set, stays through every further role."""
    kept, asked = before.get("source_identity"), request.get("SourceIdentity")
    if kept and asked and kept != asked:
        message = f"User: {call.principal.arn} is not authorized to perform: sts:SetSourceIdentity on resource: "
        raise AwsError("AccessDenied", message + request["RoleArn"], 403)
    return {"source_identity": kept or asked} if kept or asked else {}
