"""Who calls: the signature is proved against the stored key, the principal behind it resolved.

What it may is authorisation.py's to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from skylab.kernel import credentials
from skylab.kernel.credentials import Credential
from skylab.kernel.store import Store
from skylab.services.call import ANONYMOUS, Issuer, Principal, Session
from skylab.wire import sigv4, sigv4form
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest

# What JSON services call the errors that query services and S3 name otherwise.
JSON_CODES = {
    "InvalidClientTokenId": "UnrecognizedClientException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "IncompleteSignature": "IncompleteSignatureException",
    "ExpiredToken": "ExpiredTokenException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "AccessDenied": "AccessDeniedException",
}


@dataclass(frozen=True)
class Origin:
    """What is known of a call that comes from inside; nothing that arrives at a socket has one.

    principal: on whose behalf, and through which services. credential: the key with which it is signed, where the store
    does not know it because a service acts in its own name.
    """

    principal: Principal
    credential: Credential | None = None


@dataclass(frozen=True)
class Caller:
    principal: Principal
    signature: sigv4.Signature | None  # None: anonymous
    key: bytes  # signs the chunks of a streamed body


def authenticate(
    store: Store, request: HttpRequest, now: datetime, payload_hash: str | None, origin: Origin | None = None
) -> Caller:
    """payload_hash: hex SHA-256 of a body that was read; None in S3, whose bodies are checked as they pass.

    Raises AwsError with the query protocols' codes (S3's own where it differs); see refused_in().
    """
    signature = sigv4.read(request)
    if signature is None:
        return Caller(ANONYMOUS, None, b"")
    known = _known(store, signature, origin)
    key = sigv4.verify(request, signature, known.secret, now, payload_hash)
    _check_session(known, signature, now)
    if origin and known is origin.credential:
        return Caller(replace(origin.principal, access_key=known.access_key), signature, key)
    who = principal(known)
    return Caller(replace(who, via=origin.principal.via) if origin else who, signature, key)


def authenticate_form(store: Store, fields: Mapping[str, str], now: datetime) -> Caller:
    """Of a browser's upload: anonymous without a signature. Raises AwsError, as authenticate()."""
    signature = sigv4form.read(fields)
    if signature is None:
        return Caller(ANONYMOUS, None, b"")
    known = _known(store, signature)
    key = sigv4form.verify(fields, signature, known.secret)
    _check_session(known, signature, now)
    return Caller(principal(known), signature, key)


def _known(store: Store, signature: sigv4.Signature, origin: Origin | None = None) -> Credential:
    known = origin.credential if origin else None
    if known is None or known.access_key != signature.access_key:
        with store.reading() as tx:
            known = credentials.find(tx, signature.access_key)
    if known is None or not known.active:
        raise _unknown(signature)
    return known


def _check_session(known: Credential, signature: sigv4.Signature, now: datetime) -> None:
    if not sigv4.matches(known.token or "", signature.token or ""):
        raise _unknown(signature, "InvalidToken")
    if known.expires is not None and known.expires <= now:
        raise AwsError("ExpiredToken", "The security token included in the request is expired", 403 - 3 * signature.s3)


def unsigned() -> AwsError:
    return AwsError("MissingAuthenticationToken", "Missing Authentication Token", 403)


def principal(known: Credential) -> Principal:
    who = known.principal
    return Principal(
        arn=who["arn"],
        id=who["id"],
        account=who["account"],
        access_key=known.access_key,
        role=who.get("role"),
        type=who.get("type") or _type(who),
        session=_session(known) if known.token else None,
    )


def _type(who: dict[str, Any]) -> str:
    if who["arn"].endswith(":root"):
        return "Root"
    return "AssumedRole" if who.get("role") else "IAMUser"


def _session(known: Credential) -> Session:
    who = known.principal
    issuer = who.get("issuer") or {}
    if not issuer and (role := who.get("role")):
        issuer = {"arn": role, "id": who["id"].partition(":")[0], "name": role.rpartition("/")[2]}
    return Session(
        Issuer(**{member: issuer.get(member, "") for member in ("arn", "id", "name")}),
        datetime.fromtimestamp(who["issued"], UTC) if "issued" in who else known.created,
        bool(who.get("mfa")),
        who.get("source_identity", ""),
        who.get("tags", {}),
        tuple(who.get("transitive", ())),
        tuple(who["policies"]) if "policies" in who else None,
        tuple(who["policy_arns"]) if "policy_arns" in who else None,
        who.get("provider", ""),
    )


def _unknown(signature: sigv4.Signature, code: str = "InvalidAccessKeyId") -> AwsError:
    if signature.s3 and code == "InvalidToken":
        return AwsError(code, "The provided token is malformed or otherwise invalid.", 400)
    if signature.s3:
        return AwsError(code, "The AWS Access Key Id you provided does not exist in our records.", 403)
    return AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


def refused_in(protocol: str, error: AwsError) -> AwsError:
    """An identity error by the name that services of this protocol give it, and, in json, with their status: 400."""
    code = JSON_CODES.get(error.code, error.code) if "json" in protocol else error.code
    status = 400 if protocol == "json" and error.code in JSON_CODES else error.status
    if protocol == "rest-xml" and code == "MissingAuthenticationToken":
        return AwsError("AccessDenied", "Access Denied", 403)
    told = AwsError(code, error.message, status, **error.members)
    told.headers = error.headers
    return told
