"""Values that S3 refuses in words of its own, and not as its model would have it."""

from typing import Any

from skylab.services.s3.wish import DSSE, HEADER, KMS, S3, argument
from skylab.wire.errors import AwsError
from skylab.wire.model import service_model

CLASSES = (
    "STANDARD REDUCED_REDUNDANCY STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER GLACIER_IR DEEP_ARCHIVE".split()
)


def check(parameters: dict[str, Any]) -> None:
    """InvalidLocationConstraint, InvalidStorageClass, InvalidArgument."""
    place = (parameters.get("CreateBucketConfiguration") or {}).get("LocationConstraint")
    if place and place not in service_model("s3").shape_for("BucketLocationConstraint").enum:
        message = "The specified location-constraint is not valid"
        raise AwsError("InvalidLocationConstraint", message, 400, LocationConstraint=place)
    storage = parameters.get("StorageClass")
    if storage is not None and storage not in CLASSES:
        message = "The storage class you specified is not valid"
        raise AwsError("InvalidStorageClass", message, 400, StorageClassRequested=storage)
    mode = parameters.get("ServerSideEncryption")
    if mode is not None and mode not in (S3, KMS, DSSE):
        raise argument("The encryption method specified is not supported", HEADER, mode)
