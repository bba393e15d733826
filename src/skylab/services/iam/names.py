"""Keys, ARNs, errors and pages of IAM, which is global: its keys have no region, its ARNs neither."""

import base64
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any, Literal
from urllib.parse import quote

from skylab.kernel.key import Key
from skylab.kernel.store import Exists, Transaction
from skylab.services.call import Call
from skylab.wire.errors import AwsError

Kind = Literal["role", "user", "group", "policy", "instance-profile", "oidc-provider", "mfa", "alias", "linked-role"]
NAMED: dict[str, str] = {
    "role": "RoleName",
    "user": "UserName",
    "group": "GroupName",
    "policy": "PolicyName",
    "instance-profile": "InstanceProfileName",
}
# How many of each an account may have, and the quota's name where GetAccountSummary shows it.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
QUOTAS: dict[str, tuple[str, int]] = {
    "role": ("RolesPerAccount", 1000),
    "user": ("UsersPerAccount", 5000),
    "group": ("GroupsPerAccount", 300),
    "policy": ("PoliciesPerAccount", 1500),
    "instance-profile": ("InstanceProfilesPerAccount", 1000),
    "oidc-provider": ("OpenIdConnectProvidersPerAccount", 100),
    "mfa": ("VirtualMFADevicesPerAccount", 5000),
}


def key_of(account: str, kind: Kind, name: str) -> Key:
    return Key(account, "", "iam", kind, name)


def arn_of(key: Key, path: str) -> str:
    return f"arn:aws:iam::{key.account}:{key.type}{path}{key.name}"


def missing(key: Key | str) -> AwsError:
    """What the store did not find: a resource by its key, an access key by its id."""
    if isinstance(key, str):
        return no_such(f"The Access Key with id {key} cannot be found.")
    if key.type == "instance-profile":
        return no_such(f"Instance Profile {key.name} cannot be found.")
    return no_such(f"The {key.type} with name {key.name} cannot be found.")


def already(key: Key) -> AwsError:
    match key.type:
        case "policy":
            message = f"A policy called {key.name} already exists. Duplicate names are not allowed."
        case "instance-profile":
            message = f"Instance Profile {key.name} already exists."
        case "mfa":
            message = "MFADevice entity at the same path and name already exists."
        case "oidc-provider":
            message = f"Provider with url https://{key.name} already exists."
        case _:
            message = f"{key.type.capitalize()} with name {key.name} already exists."
    return AwsError("EntityAlreadyExists", message, 409)


def no_such(message: str) -> AwsError:
    return AwsError("NoSuchEntity", message, 404)


def conflict(message: str) -> AwsError:
    return AwsError("DeleteConflict", message, 409)


def too_many(quota: str, limit: int) -> AwsError:
    return AwsError("LimitExceeded", f"Cannot exceed quota for {quota}: {limit}", 409)


def modifiable(doc: dict[str, Any]) -> None:
    """Raises UnmodifiableEntity for a service-linked role, which only its service may change."""
    if doc["Path"].startswith("/aws-service-role/"):
        name = doc["RoleName"]
        raise AwsError(
            "UnmodifiableEntity",
            f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
        )


def encoded(policy: str) -> str:
    return quote(policy, safe="")


def docs(tx: Transaction, account: str, kind: Kind, path: str = "/") -> Iterable[dict[str, Any]]:
    return (doc for doc in tx.all(account, "", "iam", kind) if doc["Path"].startswith(path))


def page(request: Any, member: str, items: Iterable[Any], name: Callable[[Any], str]) -> dict[str, Any]:
    """One page of items, which come ordered by name; the marker is the name of the last one shown."""
    after, limit = _marked(request.get("Marker")), request.get("MaxItems", 100)
    rest = list(islice((item for item in items if after is None or name(item) > after), limit + 1))
    more = {"Marker": base64.urlsafe_b64encode(name(rest[limit - 1]).encode()).decode()} if len(rest) > limit else {}
    return {member: rest[:limit], "IsTruncated": bool(more)} | more


def _marked(marker: str | None) -> str | None:
    try:
        return base64.b64decode(marker, b"-_", validate=True).decode() if marker else None
    except ValueError:
        raise AwsError("ValidationError", f"Invalid Marker: {marker}") from None


def last_used(tx: Transaction, account: str, name: str) -> dict[str, Any] | None:
    """What the gateway noted of an access key or of a role's ARN; None: never used."""
    return tx.find(Key(account, "", "skylab", "use", name))


def make(tx: Transaction, key: Key, doc: dict[str, Any], now: datetime) -> None:
    """A new resource within its quota; names that differ only by case are the same. Raises Exists, LimitExceeded."""
    names = tx.db.execute(
        "select count(*), max(lower(name) = lower(?)) from resource where (account, region, service, type) = (?,?,?,?)",
        (key.name, *key[:4]),
    ).fetchone()
    if names[1]:
        raise Exists(key)
    if key.type in QUOTAS and names[0] >= QUOTAS[key.type][1]:
        raise too_many(*QUOTAS[key.type])
    tx.create(key, doc, now)


def change(call: Call, key: Key, edit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """One edit of one document, in a transaction of its own."""
    with call.writing() as tx:
        doc = tx.get(key)
        edit(doc)
        tx.put(key, doc, call.now)
    return doc


def named(call: Call, request: Any) -> str:
    """The user that a request names, or else the one who makes it."""
    if "UserName" in request:
        return request["UserName"]
    if ":user/" not in call.principal.arn:
        raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials")
    return call.principal.arn.rsplit("/", 1)[-1]
