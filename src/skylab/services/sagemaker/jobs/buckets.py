"""Says at once what would fail anyway: a bucket that is not there."""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from skylab.services.call import Call
from skylab.services.sagemaker.jobs.staging import URI
from skylab.wire.errors import invalid


def check_buckets(call: Call, role: str, uris: Iterable[str]) -> None:
    """Raises AwsError. Never inside writing()."""
    check_there(call.assume("s3", role), uris)


def check_there(s3: Any, uris: Iterable[str]) -> None:
    """Raises AwsError. s3: a client that acts as the job's role."""
    for uri in uris:
        if not (match := URI.fullmatch(uri)):
            raise invalid(f"{uri} is not an S3 URI.")
        try:
            s3.head_bucket(Bucket=match[1])
        except ClientError as problem:
            if problem.response["Error"]["Code"] in ("404", "NoSuchBucket"):
                raise invalid(f"The specified bucket {match[1]} does not exist.") from None
