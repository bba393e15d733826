"""Grants: leave to use one key, for one principal, for some operations, until it is taken back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.kms import grant_tokens, states
from skylab.services.kms.names import find, missing
from skylab.services.kms.pages import page
from skylab.services.kms.specs import is_symmetric, operations
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.kms import *

MOST = 50  # grants on one page
PAIRS = 8  # of an encryption context constraint
ALWAYS = {"CreateGrant", "RetireGrant", "DescribeKey"}
MEMBERS = (
    "GranteePrincipal",
    "GranteeServicePrincipal",
    "RetiringPrincipal",
    "RetiringServicePrincipal",
    "Operations",
    "Constraints",
    "Name",
)
_PRINCIPAL = re.compile(
    r"arn:aws:(iam::[0-9]{12}:(root|(user|role)/.+)|sts::[0-9]{12}:(assumed-role/[^/]+|federated-user)/.+)"
)


class Grants:
    def create_grant(self, call: Call, request: CreateGrantRequest) -> dict[str, Any]:
        grant_tokens.check(call, request)
        _check_principals(request)
        wanted = {name: request[name] for name in MEMBERS if name in request}  # type: ignore[literal-required]
        with call.writing() as tx:
            key, doc = find(tx, call, request["KeyId"])
            states.usable(doc)
            _check(doc, request)
            states.dry_run(request)
            grant_id = _same(tx, key, wanted) or _new(tx, call, key, doc, wanted)
        return {"GrantId": grant_id, "GrantToken": grant_tokens.issue(call, place(key, grant_id))}

    def list_grants(self, call: Call, request: ListGrantsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            key, _ = find(tx, call, request["KeyId"])
            grants = of_key(tx, key)
            if "GrantId" in request and tx.find(place(key, request["GrantId"])) is None:
                raise _invalid_id(request["GrantId"])
        wanted = {name: request[name] for name in ("GrantId", *MEMBERS) if name in request}  # type: ignore[literal-required]
        return _listed(grants, request, wanted)

    def list_retirable_grants(self, call: Call, request: ListRetirableGrantsRequest) -> dict[str, Any]:
        names = ("RetiringPrincipal", "RetiringServicePrincipal")
        wanted = {name: request[name] for name in names if name in request}  # type: ignore[literal-required]
        if len(wanted) != 1:
            raise invalid("Exactly one of RetiringPrincipal and RetiringServicePrincipal must be specified.")
        with call.reading() as tx:
            return _listed(list(tx.all(call.account, call.region, "kms", "grant")), request, wanted)

    def retire_grant(self, call: Call, request: RetireGrantRequest) -> None:
        with call.writing() as tx:
            grant = retired(tx, call, request)
            states.dry_run(request)
            tx.delete(grant)

    def revoke_grant(self, call: Call, request: RevokeGrantRequest) -> None:
        with call.writing() as tx:
            key, _ = find(tx, call, request["KeyId"])
            grant = _found(tx, place(key, request["GrantId"]))
            states.dry_run(request)
            tx.delete(grant)


def place(key: Key, grant_id: str) -> Key:
    return Key(key.account, key.region, "kms", "grant", f"{key.name}/{grant_id}")


def of_key(tx: Transaction, key: Key) -> list[dict[str, Any]]:
    return list(tx.all(key.account, key.region, "kms", "grant", f"{key.name}/"))


def retired(tx: Transaction, call: Call, request: Any) -> Key:
    """The grant that a RetireGrant means: by its token, or by its key and id. Raises AwsError."""
    by_token, by_id = "GrantToken" in request, "KeyId" in request and "GrantId" in request
    if by_token == by_id:
        raise invalid("Either GrantToken, or both KeyId and GrantId must be specified.")
    if by_token:
        return _found(tx, grant_tokens.grant_of(call, request["GrantToken"]))
    key, _ = find(tx, call, request["KeyId"])
    return _found(tx, place(key, request["GrantId"]))


def _found(tx: Transaction, grant: Key) -> Key:
    if tx.find(grant) is None:
        raise missing(f"Grant ID {grant.name.rpartition('/')[2]} not found")
    return grant


def _listed(grants: list[dict[str, Any]], request: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    chosen = [grant for grant in grants if all(grant.get(name) == value for name, value in wanted.items())]
    return page(chosen, request, "Grants", lambda grant: f"{grant['KeyId']}/{grant['GrantId']}", MOST)


def _same(tx: Transaction, key: Key, wanted: dict[str, Any]) -> str | None:
    """A grant of this name with identical parameters: asking again for it makes no other."""
    if "Name" not in wanted:
        return None
    for grant in of_key(tx, key):
        if all(grant.get(name) == wanted.get(name) for name in MEMBERS):
            return str(grant["GrantId"])
    return None


def _new(tx: Transaction, call: Call, key: Key, doc: dict[str, Any], wanted: dict[str, Any]) -> str:
    grant_id = "".join(call.ids.new() for _ in range(6))[:64]
    made = {"KeyId": doc["Arn"], "GrantId": grant_id, "CreationDate": call.now}
    issuer = f"arn:aws:iam::{call.principal.account}:root"
    tx.create(place(key, grant_id), wanted | made | {"IssuingAccount": issuer}, call.now)
    return grant_id


def _check(doc: dict[str, Any], request: Any) -> None:
    if not request["Operations"]:
        raise invalid("Operations must not be empty.")
    if wrong := sorted(set(request["Operations"]) - operations(doc) - ALWAYS):
        raise invalid(f"Grant operations {wrong} are not supported on {doc['Arn']}.")
    constraints = request.get("Constraints", {})
    contexts = [value for name, value in constraints.items() if name.startswith("EncryptionContext")]
    if len(contexts) > 1:
        raise invalid("Only one of EncryptionContextEquals and EncryptionContextSubset can be specified.")
    if any(len(context) > PAIRS for context in contexts):
        raise invalid(f"An encryption context constraint can have at most {PAIRS} pairs.")
    if contexts and not is_symmetric(doc):
        raise invalid("Encryption context constraints are only supported on symmetric encryption KMS keys.")


def _check_principals(request: Any) -> None:
    if ("GranteePrincipal" in request) == ("GranteeServicePrincipal" in request):
        raise invalid("Exactly one of GranteePrincipal and GranteeServicePrincipal must be specified.")
    if "RetiringPrincipal" in request and "RetiringServicePrincipal" in request:
        raise invalid("Only one of RetiringPrincipal and RetiringServicePrincipal can be specified.")
    if "GranteeServicePrincipal" in request:
        retiring = {"RetiringPrincipal", "RetiringServicePrincipal"} & set(request)
        if not retiring or "SourceArn" not in request.get("Constraints", {}):
            raise invalid("A GranteeServicePrincipal needs a SourceArn constraint and a retiring principal.")
    for name in ("GranteePrincipal", "RetiringPrincipal"):
        if name in request and not _is_principal(request[name]):
            raise AwsError("InvalidArnException", f"Invalid arn {request[name]}")


def _is_principal(text: str) -> bool:
    return bool(_PRINCIPAL.fullmatch(text) or re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com", text))


def _invalid_id(grant_id: str) -> AwsError:
    return AwsError("InvalidGrantIdException", f"Grant ID {grant_id} is not valid.")
