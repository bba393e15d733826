"""AssumeRoleWithWebIdentity: a session of a role for whom an identity provider vouches.

token read → provider of the role's account → keys asked of the issuer → signature, audience, times → trust policy
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from skylab.kernel.key import Key
from skylab.policy.request import Who
from skylab.services.call import Call
from skylab.services.sts import issuers, jwt, narrowing
from skylab.services.sts.jwt import invalid
from skylab.services.sts.roles import ARN, Context, allows, find_role, request_context
from skylab.services.sts.sessions import duration, issued
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sts import *

LEEWAY = timedelta(minutes=5)  # for an issuer whose clock is ahead
TAGS, SOURCE = "https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"


class WebIdentity:
    def assume_role_with_web_identity(self, call: Call, request: AssumeRoleWithWebIdentityRequest) -> dict[str, Any]:
        """Nobody signs this: the token is the proof. The issuer is asked before the transaction begins."""
        if "ProviderId" in request:
            raise invalid("OAuth 2.0 access tokens are not supported: give an OpenID Connect ID token.")
        token = jwt.read(request["WebIdentityToken"])
        provider = _provider(call, request["RoleArn"], token)
        if not jwt.proved(token, issuers.keys(provider["_"]["issuer"], provider["ThumbprintList"])):
            raise invalid("Couldn't verify the signature of the ID token with the keys of its issuer.")
        audience, marked = _checked(token, provider, call.now), _marks(token.claims)
        asked: dict[str, Any] = {**request, **marked}
        with call.writing() as tx:
            role = find_role(tx, request["RoleArn"])
            who = Who("", federated=provider["Arn"])
            context = _context(call, token, provider, audience, asked)
            needed = ["sts:AssumeRoleWithWebIdentity", *(["sts:TagSession"] if marked.get("Tags") else [])]
            if role is None or not all(allows(role, who, action, context) for action in needed):
                raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
            more = {"provider": provider["Arn"], "mfa": False} | narrowing.tags(asked, {})
            if "SourceIdentity" in marked:
                more["source_identity"] = marked["SourceIdentity"]
            answer = issued(tx, call, role, duration(call.principal, role, request), more, request)
        subject = {"SubjectFromWebIdentityToken": str(token.claims["sub"]), "Audience": audience}
        return answer | subject | {"Provider": provider["Arn"]}

    def assume_role_with_saml(self, call: Call, request: AssumeRoleWithSAMLRequest) -> NoReturn:
        raise AwsError("NotImplemented", "AssumeRoleWithSAML is not implemented here", 501)


def _provider(call: Call, role: str, token: jwt.Token) -> dict[str, Any]:
    """Of the role's account, by the token's issuer."""
    if not (match := ARN.fullmatch(role)):
        raise AwsError("ValidationError", f"{role} is invalid")
    issuer = str(token.claims.get("iss", ""))
    with call.reading() as tx:
        found = tx.find(Key(match[1], "", "iam", "oidc-provider", issuer.rstrip("/").split("://", 1)[-1]))
    if found is None or found["_"]["issuer"] != issuer.rstrip("/"):
        raise invalid(f"No OpenIDConnect provider found in your account for {issuer[:200]}")
    return found


def _checked(token: jwt.Token, provider: dict[str, Any], now: datetime) -> str:
    """The audience, which is azp where the token has one."""
    claims = token.claims
    try:
        ends, begins = _time(claims["exp"]), _time(claims["iat"])
        usable = max(begins, _time(claims.get("nbf", claims["iat"])))
        claims["sub"]
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise invalid("The ID token lacks a required claim: sub, aud, iat, exp.") from None
    if ends <= now:
        message = f"Token expired: current date/time {int(now.timestamp())} must be before the expiration date/time "
        raise AwsError("ExpiredTokenException", f"{message}{int(ends.timestamp())}")
    if usable > now + LEEWAY:
        raise invalid("The ID token is not valid yet.")
    given = claims.get("azp") or claims.get("aud", [])
    audiences = [str(each) for each in (given if isinstance(given, list) else [given])]
    known = [each for each in audiences if each in provider["ClientIDList"]]
    if not known:
        raise invalid("Incorrect token audience")
    return known[0]


def _time(seconds: Any) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _marks(claims: dict[str, Any]) -> dict[str, Any]:
    """Session tags and source identity that the provider asserts, as AssumeRole's members."""
    marks: dict[str, Any] = {}
    tags = claims.get(TAGS)
    if isinstance(tags, dict) and isinstance(tags.get("principal_tags"), dict):
        given = tags["principal_tags"].items()
        marks["Tags"] = [{"Key": key, "Value": str(v[0] if isinstance(v, list) and v else v)} for key, v in given]
        marks["TransitiveTagKeys"] = [str(key) for key in tags.get("transitive_tag_keys", [])]
    source = claims.get(SOURCE)
    if isinstance(source, str) and re.fullmatch(r"[\w+=,.@-]{2,64}", source):
        marks["SourceIdentity"] = source
    return marks


def _context(call: Call, token: jwt.Token, provider: dict[str, Any], audience: str, asked: Any) -> Context:
    name, claims = provider["Url"], token.claims
    context = {f"{name}:sub": [str(claims["sub"])], f"{name}:aud": [audience]}
    if isinstance(claims.get("amr"), list):
        context[f"{name}:amr"] = [str(each) for each in claims["amr"]]
    context["aws:federatedprovider"] = [provider["Arn"]]
    context["aws:sourceip"] = [call.http.source]
    context["aws:currenttime"] = [call.now.strftime("%Y-%m-%dT%H:%M:%SZ")]
    return {key.lower(): values for key, values in context.items()} | request_context(asked)
