"""Who calls: the signature is proved against the stored key, the principal behind it resolved, the call allowed or not.

Policies are not evaluated yet. Until they are, only the account itself and its administrators may do everything, a
job's execution role what its job needs, and everybody may ask who they are; all else is denied.
"""

from dataclasses import dataclass
from datetime import datetime

from skylab.kernel import credentials
from skylab.kernel.store import Store
from skylab.services.call import Principal
from skylab.wire import sigv4
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest

JOB = {
    "s3": ("Get", "Head", "List", "Put", "Delete", "Copy", "Upload", "Create", "Complete", "Abort"),
    "kms": ("Decrypt", "GenerateDataKey"),
    "logs": ("Create", "Put", "Describe", "Get", "Filter"),
    "monitoring": ("PutMetricData",),
    "sagemaker": ("Describe", "List", "BatchPutMetrics", "AddTags"),
}
JOB_NEVER = {"DeleteBucket", "PutBucketVersioning", "DeleteBucketTagging", "PutBucketTagging"}
JOB_NEVER |= {"DeleteBucketEncryption", "PutBucketEncryption"}
ANYBODY = {("sts", "GetCallerIdentity")}

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
class Caller:
    principal: Principal
    signature: sigv4.Signature
    key: bytes  # signs the chunks of a streamed body


def authenticate(store: Store, request: HttpRequest, now: datetime, payload_hash: str | None) -> Caller:
    """payload_hash: hex SHA-256 of a body that was read; None in S3, whose bodies are checked as they pass.

    Raises AwsError with the query protocols' codes (S3's own where it differs); see refused_in().
    """
    signature = sigv4.read(request)
    if signature is None:
        raise AwsError("MissingAuthenticationToken", "Missing Authentication Token", 403)
    with store.reading() as tx:
        known = credentials.find(tx, signature.access_key)
    if known is None or not known.active:
        raise _unknown(signature)
    key = sigv4.verify(request, signature, known.secret, now, payload_hash)
    if not sigv4.matches(known.token or "", signature.token or ""):
        raise _unknown(signature, "InvalidToken")
    if known.expires is not None and known.expires <= now:
        raise AwsError("ExpiredToken", "The security token included in the request is expired", 403 - 3 * signature.s3)
    who = known.principal
    principal = Principal(
        arn=who["arn"],
        id=who["id"],
        account=who["account"],
        access_key=signature.access_key,
        role=who.get("role"),
        scope=who.get("scope", "user"),
    )
    return Caller(principal, signature, key)


def _unknown(signature: sigv4.Signature, code: str = "InvalidAccessKeyId") -> AwsError:
    if signature.s3 and code == "InvalidToken":
        return AwsError(code, "The provided token is malformed or otherwise invalid.", 400)
    if signature.s3:
        return AwsError(code, "The AWS Access Key Id you provided does not exist in our records.", 403)
    return AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


def authorise(principal: Principal, signs_as: str, operation: str) -> None:
    """Raises AwsError (AccessDenied, worded as AWS words it) unless the principal may call the operation."""
    if principal.scope == "account" or (signs_as, operation) in ANYBODY:
        return
    if principal.scope == "job" and operation not in JOB_NEVER and operation.startswith(JOB.get(signs_as, ())):
        return
    action = f"{signs_as}:{operation}"
    raise AwsError(
        "AccessDenied",
        f"User: {principal.arn} is not authorized to perform: {action} because no identity-based policy allows the "
        f"{action} action",
        403,
    )


def refused_in(protocol: str, error: AwsError) -> AwsError:
    """An identity error by the name that services of this protocol give it, and, in json, with their status: 400."""
    code = JSON_CODES.get(error.code, error.code) if "json" in protocol else error.code
    status = 400 if protocol == "json" and error.code in JSON_CODES else error.status
    if protocol == "rest-xml" and code == "MissingAuthenticationToken":
        return AwsError("AccessDenied", "Access Denied", 403)
    told = AwsError(code, error.message, status, **error.members)
    told.headers = error.headers
    return told
