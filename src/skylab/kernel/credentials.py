"""Access keys: what a signature is checked against, and for whom it then speaks.

A credential is committed in the same transaction as the user, role or job that needs it, so there is never one without
the other. Formats are AWS's: 20 characters, AKIA for long-term keys and ASIA for sessions, the account inside the key.
"""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from skylab.kernel.store import Missing, Transaction

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
COLUMNS = "access_key, secret, token, account, owner, principal, active, created, expires"


@dataclass(frozen=True)
class Credential:
    """principal holds arn, id, account, role and what makes the session, see gateway/identity.py."""

    access_key: str
    secret: str
    token: str | None
    account: str
    owner: str
    principal: dict[str, Any]
    active: bool
    created: datetime
    expires: datetime | None


def unique_id(prefix: str) -> str:
    """21 characters, as IAM's ids are: AROA… for a role, AIDA… a user, ANPA… a managed policy."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(17))


def key_id(prefix: str, account: str) -> str:
    """20 characters; as in AWS's own, the account is in bits 7 to 46 of the first six bytes behind the prefix."""
    head = 1 << 47 | int(account) << 7 | secrets.randbits(7)
    return prefix + base64.b32encode(head.to_bytes(6) + secrets.token_bytes(4)).decode()


def account_of(access_key: str) -> str:
    """The account an access key id belongs to, whether or not the key exists. Raises ValueError."""
    head = base64.b32decode(access_key[4:])[:6]
    return f"{(int.from_bytes(head) & (1 << 47) - 1) >> 7:012d}"


def issue_session(
    tx: Transaction,
    role_arn: str,
    role_id: str,
    session_name: str,
    now: datetime,
    expires: datetime,
    **more: Any,
) -> dict[str, Any]:
    """Credentials of an assumed-role session, as AssumeRole's Credentials; more goes into the principal."""
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    principal = {
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        "id": f"{role_id}:{session_name}",
        "account": account,
        "role": role_arn,
    }
    return issue_temporary(tx, principal | more, role_id, now, expires)


def issue_temporary(
    tx: Transaction, principal: dict[str, Any], owner: str, now: datetime, expires: datetime
) -> dict[str, Any]:
    """A key with a token and an end, for any principal."""
    key, secret, token = key_id("ASIA", principal["account"]), _secret(), secrets.token_urlsafe(180)
    _insert(tx, key, secret, token, principal, owner, now, expires)
    return {"AccessKeyId": key, "SecretAccessKey": secret, "SessionToken": token, "Expiration": expires}


def issue_long_term(tx: Transaction, principal: dict[str, Any], owner: str, now: datetime) -> dict[str, Any]:
    """A key without an end, for a user or for root: AccessKeyId and SecretAccessKey."""
    key, secret = key_id("AKIA", principal["account"]), _secret()
    _insert(tx, key, secret, None, principal, owner, now, None)
    return {"AccessKeyId": key, "SecretAccessKey": secret}


def momentary(account: str, now: datetime) -> Credential:
    """A key that is nowhere but in memory; whom it speaks for is known to who made it."""
    return Credential(key_id("ASIA", account), _secret(), None, account, "", {}, True, now, None)


def _secret() -> str:
    return base64.b64encode(secrets.token_bytes(30)).decode()


def _insert(
    tx: Transaction,
    key: str,
    secret: str,
    token: str | None,
    principal: dict[str, Any],
    owner: str,
    now: datetime,
    expires: datetime | None,
) -> None:
    end = expires.timestamp() if expires else None
    values = (key, secret, token, principal["account"], owner, json.dumps(principal), True, now.timestamp(), end)
    tx.db.execute(f"insert into credential ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def find(tx: Transaction, access_key: str) -> Credential | None:
    """Also one that is inactive or has expired: those are told apart from unknown ones."""
    row = tx.db.execute(f"select {COLUMNS} from credential where access_key = ?", (access_key,)).fetchone()
    return _credential(row) if row else None


def owned(tx: Transaction, owner: str) -> list[Credential]:
    """All long-term keys of a user, by key id."""
    rows = tx.db.execute(
        f"select {COLUMNS} from credential where owner = ? and token is null order by access_key", (owner,)
    )
    return [_credential(row) for row in rows]


def _credential(row: tuple[Any, ...]) -> Credential:
    key, secret, token, account, owner, principal, active, created, expires = row
    end = None if expires is None else datetime.fromtimestamp(expires, UTC)
    begin = datetime.fromtimestamp(created, UTC)
    return Credential(key, secret, token, account, owner, json.loads(principal), bool(active), begin, end)


def extend(tx: Transaction, access_key: str, expires: datetime) -> None:
    """Moves the end of a session. Raises Missing."""
    _changed(tx, "update credential set expires = ? where access_key = ?", expires.timestamp(), access_key)


def activate(tx: Transaction, access_key: str, active: bool) -> None:
    """Raises Missing."""
    _changed(tx, "update credential set active = ? where access_key = ?", active, access_key)


def revoke(tx: Transaction, access_key: str) -> None:
    """Raises Missing."""
    _changed(tx, "delete from credential where access_key = ?", access_key)


def _changed(tx: Transaction, statement: str, *values: Any) -> None:
    if not tx.db.execute(statement, values).rowcount:
        raise Missing(values[-1])


def revoke_all(tx: Transaction, owner: str) -> None:
    """Everything a user or role ever got."""
    tx.db.execute("delete from credential where owner = ?", (owner,))


def rename(tx: Transaction, owner: str, arn: str) -> None:
    """The keys of a renamed user speak for its new ARN; federated users that it made keep theirs, and know its new."""
    federated = "json_extract(principal, '$.type') is 'FederatedUser'"
    for path, which in (("$.arn", f"not ({federated})"), ("$.issuer.arn", federated)):
        tx.db.execute(
            f"update credential set principal = json_set(principal, ?, ?) where owner = ? and {which}",
            (path, arn, owner),
        )


def purge(tx: Transaction, before: datetime) -> int:
    """Forgets sessions that ended before then, and says how many; an hour's grace lets them be called expired."""
    return tx.db.execute("delete from credential where expires < ?", (before.timestamp(),)).rowcount
