"""The signature of a browser's upload: of the policy in the form, by the fields beside it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
"""

from collections.abc import Mapping

from skylab.wire import sigv4
from skylab.wire.errors import AwsError
from skylab.wire.sigv4 import ALGORITHM, Signature

NEEDED = ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
OLDER = {"awsaccesskeyid", "signature"}


def read(fields: Mapping[str, str]) -> Signature | None:
    """fields: by their names in lower case. None where the form is not signed. Raises AwsError, 400."""
    if OLDER & fields.keys():
        raise AwsError("InvalidRequest", f"Signature Version 2 is not supported. Please use {ALGORITHM}.", 400)
    if not fields.keys() & set(NEEDED):
        return None
    for name in NEEDED:
        if not fields.get(name):
            message = (
                f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of "
            )
            raise AwsError("InvalidArgument", f"{message}the fields.", 400, ArgumentName=name, ArgumentValue="")
    if (algorithm := fields["x-amz-algorithm"]) != ALGORITHM:
        message = f'x-amz-algorithm only supports "{ALGORITHM}"'
        raise AwsError("InvalidArgument", message, 400, ArgumentName="x-amz-algorithm", ArgumentValue=algorithm[:64])
    access_key, date, region, service = sigv4.scope_of(fields["x-amz-credential"], True, True)
    time = sigv4.stamp_of(fields["x-amz-date"])
    if time is None or time.strftime("%Y%m%d") != date or service != "s3":
        message = "The x-amz-date and x-amz-credential of a form must be of one day, and of S3."
        raise AwsError("InvalidArgument", message, 400, ArgumentName="x-amz-date")
    token = fields.get("x-amz-security-token")
    return Signature(
        access_key, date, region, service, (), fields["x-amz-signature"], time, token, True, None, sigv4.UNSIGNED
    )


def verify(fields: Mapping[str, str], signature: Signature, secret: str) -> bytes:
    """The signing key. Raises SignatureDoesNotMatch. How long it holds, the policy says."""
    key = sigv4.signing_key(secret, signature)
    if not sigv4.matches(sigv4.sign(key, fields["policy"]), signature.signature):
        raise sigv4.mismatch(signature, fields["policy"])
    return key
