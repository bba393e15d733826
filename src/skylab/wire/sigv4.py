"""Who says that they sent this request, and did they? Signature Version 4, in the header or in the query.

read() says what the request claims; verify() proves it by computing the signature again from the caller's secret.
S3 differs from every other service: its path is not normalised and encoded once, its body's hash is always a header,
its errors have other codes. The service is the one in the credential scope.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from urllib.parse import unquote_to_bytes

from skylab.wire.canonical import canonical_request
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAMING_UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
PAYLOADS = (UNSIGNED, STREAMING_UNSIGNED, STREAMING, STREAMING_TRAILER)

_SKEW = timedelta(minutes=15)
_STAMP = "%Y%m%dT%H%M%SZ"
_HASH = re.compile(r"[0-9a-f]{64}")
_QUERY = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")


@dataclass(frozen=True)
class Signature:
    """What a request claims about its caller. Nothing of it is proved before verify()."""

    access_key: str
    date: str  # of the scope, YYYYMMDD
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str  # hexadecimal
    time: datetime
    token: str | None  # the session token; the caller compares it with the one that was issued
    presigned: bool
    expires: int | None  # seconds; only where presigned
    payload: str  # x-amz-content-sha256; a presigned S3 request without one says UNSIGNED-PAYLOAD; else ""

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"

    @property
    def stamp(self) -> str:
        return self.time.strftime(_STAMP)

    @property
    def s3(self) -> bool:
        return self.service in ("s3", "s3express")


def read(request: HttpRequest) -> Signature | None:
    """The signature of a request, None when it has none.

    Raises AwsError: AuthorizationHeaderMalformed, AuthorizationQueryParametersError (S3), IncompleteSignature (others),
    and InvalidRequest for the versions that we do not speak, SigV2 and SigV4A.
    """
    authorization, query = request.headers.get("authorization", ""), _pairs(request.query)
    names = {name for name, _ in query}
    if names & {"AWSAccessKeyId", "SignatureVersion"} or authorization.startswith("AWS "):
        raise AwsError("InvalidRequest", f"Signature Version 2 is not supported. Please use {ALGORITHM}.", 400)
    presigned = bool(names & {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"})
    if presigned and authorization:
        raise AwsError(
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
            "Signature query string parameter or the Authorization header should be specified",
            400,
        )
    if presigned:
        return _from_query(request, query)
    return _from_header(request, authorization) if authorization else None


def verify(
    request: HttpRequest, signature: Signature, secret: str, now: datetime, payload_hash: str | None = None
) -> bytes:
    """Proves a signature and returns its signing key, which the chunks of a streamed body are signed with.

    request: as the client sent it: its own path (before a virtual-host address is rewritten), query and host header.
    payload_hash: hex SHA-256 of the body, which is signed where that hash is no header (outside S3); None for a body
    that is still a stream. The body itself is checked by check_payload(), or chunked.verified().
    Raises AwsError, all 403: SignatureDoesNotMatch; RequestTimeTooSkewed and AccessDenied in S3's cases.
    """
    _check_headers(request, signature)
    _check_time(signature, now)
    payload = signature.payload or payload_hash or sha256().hexdigest()
    canonical = canonical_request(request, signature.signed_headers, payload, signature.s3)
    to_sign = f"{ALGORITHM}\n{signature.stamp}\n{signature.scope}\n{sha256(canonical).hexdigest()}"
    key = signing_key(secret, signature)
    if not matches(sign(key, to_sign), signature.signature):
        raise mismatch(signature, to_sign, canonical)
    return key


def check_payload(body: bytes, signature: Signature) -> None:
    """Compares a whole body with the hash that was signed for it. Raises XAmzContentSHA256Mismatch (400)."""
    if signature.payload in (UNSIGNED, ""):
        return
    if signature.payload in PAYLOADS:
        raise AwsError("NotImplemented", "A header you provided implies functionality that is not implemented", 501)
    check_hash(sha256(body).hexdigest(), signature.payload)


def check_hash(computed: str, claimed: str) -> None:
    if not matches(computed, claimed):
        raise AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            400,
            ClientComputedContentSHA256=claimed,
            S3ComputedContentSHA256=computed,
        )


def signing_key(secret: str, signature: Signature) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (signature.date, signature.region, signature.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(key: bytes, to_sign: str) -> str:
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def matches(ours: str, theirs: str) -> bool:
    """Equality in constant time; theirs may hold anything, so it is compared as bytes."""
    return hmac.compare_digest(ours.encode(), theirs.encode(errors="replace"))


def mismatch(signature: Signature, to_sign: str, canonical: bytes = b"") -> AwsError:
    """SignatureDoesNotMatch, with S3's members that let a client's author find the difference."""
    if not signature.s3:
        return AwsError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
            403,
        )
    return AwsError(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
        403,
        AWSAccessKeyId=signature.access_key,
        StringToSign=to_sign,
        SignatureProvided=signature.signature,
        CanonicalRequest=canonical.decode(errors="replace"),
    )


# reading


def _from_header(request: HttpRequest, authorization: str) -> Signature:
    scheme, _, rest = authorization.partition(" ")
    _check_algorithm(scheme)
    s3 = "/s3/" in authorization or "/s3express/" in authorization or "x-amz-content-sha256" in request.headers
    if scheme != ALGORITHM and s3:
        raise AwsError("InvalidArgument", "Unsupported Authorization Type", 400, ArgumentName="Authorization")
    fields = [field.strip().partition("=") for field in rest.split(",")]
    given = {name: value for name, _, value in fields if value} if scheme == ALGORITHM else {}
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if name not in given]
    if missing or len(fields) != 3:
        raise _malformed_header(s3, authorization, missing)
    time = _header_time(request, s3, authorization)
    access_key, date, region, service = scope_of(given["Credential"], s3, False)
    _check_date(date, time, service, given["Credential"])
    return Signature(
        access_key, date, region, service, tuple(given["SignedHeaders"].split(";")), given["Signature"], time,
        request.headers.get("x-amz-security-token"), False, None, _payload(request, service),
    )  # fmt: skip


def _from_query(request: HttpRequest, query: list[tuple[str, str]]) -> Signature:
    given = dict(query)
    algorithm, credential = given.get("X-Amz-Algorithm", ""), given.get("X-Amz-Credential", "")
    _check_algorithm(algorithm)
    s3 = "/s3/" in credential or "/s3express/" in credential
    own = [name for name, _ in query if name.startswith("X-Amz-")]
    needed = _QUERY if s3 or not credential else _QUERY[:-1]
    if any(not given.get(f"X-Amz-{name}") for name in needed) or len(own) != len(set(own)):
        parameters = ", ".join(f"X-Amz-{name}" for name in _QUERY[:-1])
        raise _malformed_query(
            s3, f"Query-string authentication version 4 requires the {parameters}, and X-Amz-Expires parameters."
        )
    if algorithm != ALGORITHM:
        raise _malformed_query(s3, f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    time = stamp_of(given["X-Amz-Date"])
    if time is None:
        raise _malformed_query(s3, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    expires = _expires(given.get("X-Amz-Expires", str(_SKEW.seconds)), s3)
    access_key, date, region, service = scope_of(credential, s3, True)
    _check_date(date, time, service, credential)
    signed = tuple(given["X-Amz-SignedHeaders"].split(";"))
    payload = request.headers.get("x-amz-content-sha256") if "x-amz-content-sha256" in signed else None
    payload = payload or given.get("X-Amz-Content-Sha256") or (UNSIGNED if s3 else "")
    return Signature(
        access_key, date, region, service, signed, given["X-Amz-Signature"], time,
        given.get("X-Amz-Security-Token"), True, expires, _known_payload(payload) if payload else "",
    )  # fmt: skip


def _pairs(query: str) -> list[tuple[str, str]]:
    """The parameters of a query, decoded; bytes that are no UTF-8 are replaced, which suffices to look for our own."""
    return [(_decode(name), _decode(value)) for name, _, value in (pair.partition("=") for pair in query.split("&"))]


def _decode(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode(errors="replace")


def _check_algorithm(algorithm: str) -> None:
    if algorithm.startswith("AWS4-ECDSA"):
        raise AwsError("InvalidRequest", f"SigV4A ({algorithm[:64]}) is not supported. Please use {ALGORITHM}.", 400)


def _malformed_header(s3: bool, authorization: str, missing: list[str]) -> AwsError:
    if s3:
        wanted = ", ".join(f"{name}=" for name in missing) or "exactly Credential, SignedHeaders and Signature"
        message = f"The authorization header is malformed; the authorization header requires {wanted}."
        return AwsError("AuthorizationHeaderMalformed", message, 400)
    sentences = [f"Authorization header requires '{name}' parameter." for name in missing]
    return _incomplete(" ".join(sentences) or "Authorization header has a parameter that is not known.", authorization)


def _incomplete(message: str, authorization: str) -> AwsError:
    hashed = b64encode(sha256(authorization.encode(errors="replace")).digest()).decode()
    hint = f"(Hashed with SHA-256 and encoded with Base64) Authorization={hashed}"
    return AwsError("IncompleteSignature", f"{message} {hint}", 400)


def _malformed_query(s3: bool, message: str) -> AwsError:
    return AwsError("AuthorizationQueryParametersError" if s3 else "IncompleteSignature", message, 400)


def scope_of(credential: str, s3: bool, query: bool) -> tuple[str, str, str, str]:
    """access key, date, region, service."""
    parts = credential.split("/")
    if len(parts) == 5 and all(parts) and parts[4] == "aws4_request" and re.fullmatch(r"[0-9]{8}", parts[1]):
        return parts[0], parts[1], parts[2], parts[3]
    expected = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
    if s3 and query:
        raise _malformed_query(s3, f"Error parsing the X-Amz-Credential parameter; {expected}")
    if s3:
        raise AwsError("AuthorizationHeaderMalformed", f"The authorization header is malformed; {expected}", 400)
    elements = "keyid/date/region/service/term"
    message = f"Credential must have exactly 5 slash-delimited elements, e.g. {elements}, got '{credential[:256]}'"
    raise AwsError("IncompleteSignature", message, 400)


def _check_date(date: str, time: datetime, service: str, credential: str) -> None:
    day = time.strftime("%Y%m%d")
    if date == day:
        return
    if service in ("s3", "s3express"):
        message = f'Invalid credential date "{date}". This date is not the same as X-Amz-Date: "{day}".'
        raise AwsError("AuthorizationHeaderMalformed", f"The authorization header is malformed; {message}", 400)
    message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"
    raise AwsError("SignatureDoesNotMatch", f"{message}: '{date}' != '{day}', from '{time.strftime(_STAMP)}'.", 403)


def _header_time(request: HttpRequest, s3: bool, authorization: str) -> datetime:
    text = request.headers.get("x-amz-date") or request.headers.get("date", "")
    time = stamp_of(text.strip()) or _http_date(text)
    if time:
        return time
    if s3:
        raise AwsError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403)
    if text:
        raise AwsError("IncompleteSignature", f"Date must be in ISO-8601 'basic format'. Got '{text[:64]}'.", 400)
    message = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
    raise _incomplete(message, authorization)


def stamp_of(text: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", text):
        return None
    try:
        return datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _http_date(text: str) -> datetime | None:
    try:
        time = parsedate_to_datetime(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _expires(text: str, s3: bool) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise _malformed_query(s3, "X-Amz-Expires should be a number")
    seconds = int(text)
    if seconds < 1:
        raise _malformed_query(s3, "X-Amz-Expires must be non-negative")
    if seconds > 604800:
        limit = "that is, the given X-Amz-Expires must be less than 604800 seconds"
        raise _malformed_query(s3, f"X-Amz-Expires must be less than a week (in seconds); {limit}")
    return seconds


def _payload(request: HttpRequest, service: str) -> str:
    payload = request.headers.get("x-amz-content-sha256", "")
    if not payload and service in ("s3", "s3express"):
        raise AwsError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400)
    return _known_payload(payload) if payload else ""


def _known_payload(payload: str) -> str:
    if payload.startswith("STREAMING-AWS4-ECDSA"):
        _check_algorithm("AWS4-ECDSA-P256-SHA256")
    if payload in PAYLOADS or _HASH.fullmatch(payload):
        return payload
    message = f"x-amz-content-sha256 must be {', '.join(PAYLOADS)}, or a valid sha256 value."
    raise AwsError("InvalidArgument", message, 400, ArgumentName="x-amz-content-sha256", ArgumentValue=payload[:128])


# proving


def _check_headers(request: HttpRequest, signature: Signature) -> None:
    """The host and every x-amz- header must be signed: an unsigned X-Amz-Target could be exchanged for another."""
    signed = set(signature.signed_headers)
    if "host" not in signed or not request.headers.get("host"):
        raise AwsError("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.", 403)
    # A presigned request that did not sign the hash of its body is free to have any body.
    free = {"x-amz-content-sha256"} if signature.presigned else set()
    unsigned = sorted(name for name in request.headers if name.startswith("x-amz-") and name not in signed | free)
    for name in signature.signed_headers:
        if name not in request.headers:
            raise mismatch(signature, "")
    if unsigned and signature.s3:
        message = "There were headers present in the request which were not signed"
        raise AwsError("AccessDenied", message, 403, HeadersNotSigned=", ".join(unsigned))
    if unsigned:
        message = f"'{unsigned[0][:64]}' must be a 'SignedHeader' in the AWS Authorization."
        raise AwsError("SignatureDoesNotMatch", message, 403)


def _check_time(signature: Signature, now: datetime) -> None:
    lifetime = timedelta(seconds=signature.expires) if signature.expires else _SKEW
    early, late = signature.time - now > _SKEW, now - signature.time > lifetime
    if not early and not late:
        return
    stamps = {"ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if signature.s3 and signature.presigned:
        if early:
            raise AwsError("AccessDenied", "Request is not yet valid", 403, **stamps)
        end = (signature.time + lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        members = stamps | {"X-Amz-Expires": str(signature.expires), "Expires": end}
        raise AwsError("AccessDenied", "Request has expired", 403, **members)
    if signature.s3:
        members = stamps | {"RequestTime": signature.stamp, "MaxAllowedSkewMilliseconds": "900000"}
        message = "The difference between the request time and the current time is too large."
        raise AwsError("RequestTimeTooSkewed", message, 403, **members)
    ours, minutes = now.strftime(_STAMP), int(lifetime.total_seconds()) // 60
    if early:
        edge = (now + _SKEW).strftime(_STAMP)
        message = f"Signature not yet current: {signature.stamp} is still later than {edge} ({ours} + 15 min.)"
    else:
        edge = (now - lifetime).strftime(_STAMP)
        message = f"Signature expired: {signature.stamp} is now earlier than {edge} ({ours} - {minutes} min.)"
    raise AwsError("SignatureDoesNotMatch", message, 403)
