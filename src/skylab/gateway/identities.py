"""userIdentity: who asked, as CloudTrail writes it.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from skylab.kernel import credentials
from skylab.kernel.store import Store
from skylab.services.call import Principal

KNOWN = 4096  # sessions remembered
WEB = {"AssumeRoleWithWebIdentity": "WebIdentityUser", "AssumeRoleWithSAML": "SAMLUser"}


class Identities:
    """What a principal does not say itself is in its credential: read once for each."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._sessions: dict[str, dict[str, Any] | None] = {}

    def shown(self, principal: Principal) -> dict[str, Any]:
        service, kind = invoked_by(principal), principal.type
        if kind == "AWSService":
            return {"type": kind, "invokedBy": service}
        who: dict[str, Any] = {
            "type": kind,
            "principalId": principal.id,
            "arn": principal.arn,
            "accountId": principal.account,
        }
        if principal.access_key:
            who["accessKeyId"] = principal.access_key
        if kind == "IAMUser":
            who["userName"] = principal.arn.rpartition("/")[2]
        if session := self._session(principal):
            who["sessionContext"] = session
        return who | ({"invokedBy": service} if service else {})

    def _session(self, principal: Principal) -> dict[str, Any] | None:
        if not principal.access_key.startswith("ASIA"):
            return None
        if principal.access_key not in self._sessions:
            if len(self._sessions) >= KNOWN:
                self._sessions.clear()
            with self.store.reading() as tx:
                known = credentials.find(tx, principal.access_key)
            self._sessions[principal.access_key] = _context(principal, known) if known else None
        return self._sessions[principal.access_key]


def _context(principal: Principal, known: credentials.Credential) -> dict[str, Any]:
    """sessionContext. known.principal is what STS wrote when it gave the session."""
    said = known.principal
    created = datetime.fromtimestamp(said["issued"], UTC) if "issued" in said else known.created
    attributes = {
        "creationDate": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "mfaAuthenticated": "true" if said.get("mfa") else "false",
    }
    context: dict[str, Any] = {}
    if issuer := _issuer(principal, said):
        context["sessionIssuer"] = issuer
    if provider := said.get("provider"):
        context["webIdFederationData"] = {"federatedProvider": provider, "attributes": {}}
    context["attributes"] = attributes
    if source := said.get("source_identity", said.get("SourceIdentity")):
        context["sourceIdentity"] = source
    return context


def _issuer(principal: Principal, said: Mapping[str, Any]) -> dict[str, str] | None:
    """The role behind a session, or the user behind a federated one; GetSessionToken's has none."""
    issuer = said.get("issuer") or {}
    arn = issuer.get("arn") or principal.role
    if not arn:
        return None
    return {
        "type": "Role" if ":role/" in arn else "Root" if arn.endswith(":root") else "IAMUser",
        "principalId": issuer.get("id") or principal.id.partition(":")[0],
        "arn": arn,
        "accountId": arn.split(":")[4],
        "userName": issuer.get("name") or arn.rpartition("/")[2],
    }


def invoked_by(principal: Principal | None) -> str:
    """The service that asks, in the principal's name or its own; "" where the principal asks itself."""
    if principal is None:
        return ""
    return principal.invoked_by or (principal.arn if principal.type == "AWSService" else "")


def nobody(operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Who asked without a signature: whoever a token vouches for, or anybody."""
    if operation not in WEB:
        return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    return {"type": WEB[operation]}


def of_web(result: Mapping[str, Any]) -> dict[str, Any]:
    """What AssumeRoleWithWebIdentity found out about its caller."""
    provider, subject = result.get("Provider", ""), result.get("SubjectFromWebIdentityToken", "")
    if not subject:
        return {}
    audience = result.get("Audience", "")
    return {"principalId": f"{provider}:{audience}:{subject}", "userName": subject, "identityProvider": provider}


def foreigner(who: Mapping[str, Any]) -> dict[str, Any]:
    """What the other account's copy of a record tells of the caller."""
    kept = {name: who[name] for name in ("principalId", "accountId") if name in who}
    return {"type": "AWSAccount"} | kept | ({"invokedBy": who["invokedBy"]} if "invokedBy" in who else {})
