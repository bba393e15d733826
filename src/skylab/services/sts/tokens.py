"""GetSessionToken and GetFederationToken: temporary credentials of a user or of root, from long-term ones.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.kernel.credentials import Credential
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sts import narrowing
from skylab.services.sts.sessions import authenticated, is_root
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sts import *

USUAL, ROOT = 43_200, 3600  # seconds: of a session that does not say; the longest of root's


class Tokens:
    def get_session_token(self, call: Call, request: GetSessionTokenRequest) -> dict[str, Any]:
        with call.writing() as tx:
            key = _long_term(tx, call, "GetSessionToken")
            mfa = authenticated(tx, call, key, request)
            principal = key.principal | {"issued": call.now.timestamp(), "mfa": mfa}
            given = credentials.issue_temporary(tx, principal, key.owner, call.now, _end(call, request))
        return {"Credentials": given}

    def get_federation_token(self, call: Call, request: GetFederationTokenRequest) -> dict[str, Any]:
        """Without a session policy a federated user may do nothing that a resource's policy does not allow it."""
        name, account = request["Name"], call.account
        arn = f"arn:aws:sts::{account}:federated-user/{name}"
        with call.writing() as tx:
            key = _long_term(tx, call, "GetFederationToken")
            issuer = {"arn": key.principal["arn"], "id": key.principal["id"], "name": _name(key.principal["arn"])}
            narrowed = narrowing.policies(tx, account, request)
            principal = {
                "arn": arn,
                "id": f"{account}:{name}",
                "account": account,
                "type": "FederatedUser",
                "issued": call.now.timestamp(),
                "issuer": issuer,
                "policies": [],
            }
            principal |= narrowed | narrowing.tags(request, {})
            size = narrowing.packed_size(principal)
            given = credentials.issue_temporary(tx, principal, key.owner, call.now, _end(call, request))
        user = {"FederatedUserId": f"{account}:{name}", "Arn": arn}
        return {"Credentials": given, "FederatedUser": user, "PackedPolicySize": size}


def _long_term(tx: Transaction, call: Call, operation: str) -> Credential:
    key = credentials.find(tx, call.principal.access_key)
    if key is None or key.token is not None or call.principal.role:
        raise AwsError("AccessDenied", f"Cannot call {operation} with session credentials", 403)
    return key


def _end(call: Call, request: Any) -> Any:
    seconds = request.get("DurationSeconds", USUAL)
    return call.now + timedelta(seconds=min(seconds, ROOT) if is_root(call.principal) else seconds)


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1] if "/" in arn else "root"
