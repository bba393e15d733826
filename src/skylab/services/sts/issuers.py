"""An OpenID Connect issuer's keys, asked of itself: its discovery document says where they are.

Only issuers that IAM knows are asked, over HTTPS (plain HTTP on this machine alone), without redirects, with a time-out
and a limit of size. A certificate that no authority vouches for counts if its SHA-1 is a thumbprint of the provider.
"""

import hashlib
import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

from skylab.wire.errors import AwsError

PATIENCE = 5  # seconds, for each of the two requests
MOST = 512 * 1024  # bytes of an answer
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def keys(issuer: str, thumbprints: list[str]) -> list[dict[str, Any]]:
    """The issuer's signing keys (RFC 7517). Raises IDPCommunicationError, InvalidIdentityToken."""
    try:
        found = _json(f"{issuer}/.well-known/openid-configuration", thumbprints)
        if found.get("issuer", "").rstrip("/") != issuer:
            raise ValueError("a discovery document of somebody else")
        listed = _json(_reachable(found["jwks_uri"], issuer), thumbprints)["keys"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError):
        raise AwsError(
            "IDPCommunicationError",
            "Couldn't retrieve verification key from your identity provider, please reference"
            " AssumeRoleWithWebIdentity documentation for requirements",
        ) from None
    return [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []


def _reachable(url: str, issuer: str) -> str:
    """An issuer elsewhere cannot send us to a port of this machine. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname not in LOOPBACK:
        return url
    if parts.hostname in LOOPBACK and urlsplit(issuer).hostname in LOOPBACK:
        return url
    raise ValueError(url)


def _json(url: str, thumbprints: list[str]) -> dict[str, Any]:
    try:
        text = _get(url, ssl.create_default_context())
    except ssl.SSLCertVerificationError:
        text = _get(url, _unverified(), thumbprints)
    answer = json.loads(text)
    if not isinstance(answer, dict):
        raise ValueError("no object")
    return answer


def _get(url: str, context: ssl.SSLContext, thumbprints: list[str] | None = None) -> bytes:
    """thumbprints: the server's certificate must have one of them; None: the context has verified it."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.connect()
        if thumbprints is not None and _thumbprint(connection) not in thumbprints:
            raise ConnectionError("a certificate that nobody vouches for")
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        body = answer.read(MOST + 1)
    finally:
        connection.close()
    if answer.status != 200 or len(body) > MOST:
        raise ValueError(f"status {answer.status}, {len(body)} bytes")
    return body


def _thumbprint(connection: http.client.HTTPConnection) -> str:
    if not isinstance(connection.sock, ssl.SSLSocket):
        return ""
    return hashlib.sha1(connection.sock.getpeercert(binary_form=True) or b"", usedforsecurity=False).hexdigest()


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
