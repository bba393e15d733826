"""The lifecycle configuration of a bucket. A task per bucket carries it out: expiring.py."""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.s3 import rules
from skylab.services.s3.common import Doc, bucket_key, find_bucket, index, when
from skylab.services.s3.digests import verify
from skylab.services.s3.versions import Version
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

KIND = "s3-lifecycle"
SMALLEST = "all_storage_classes_128K"


def task_id(bucket: str) -> str:
    return f"{KIND}:{bucket}"


class Lifecycle:
    def put_bucket_lifecycle_configuration(self, call: Call, request: PutBucketLifecycleConfigurationRequest) -> Doc:
        verify(call, request)
        given = request["LifecycleConfiguration"]["Rules"] if "LifecycleConfiguration" in request else []
        kept = rules.checked(given, [call.ids.new() for _ in given])
        smallest = request.get("TransitionDefaultMinimumObjectSize", SMALLEST)
        find_bucket(call, request)
        key = bucket_key(request["Bucket"])
        with index(call).writing(), call.writing() as tx:
            tx.update(key, call.now, _lifecycle={"Rules": kept, "TransitionDefaultMinimumObjectSize": smallest})
            if any(task.kind == KIND for task in tx.tasks(target=key)):
                tx.delay(task_id(request["Bucket"]), call.now)
            else:
                tx.start(KIND, key, call.now, id=task_id(request["Bucket"]))
        return {"TransitionDefaultMinimumObjectSize": smallest}

    def get_bucket_lifecycle_configuration(self, call: Call, request: GetBucketLifecycleConfigurationRequest) -> Doc:
        if (found := find_bucket(call, request).get("_lifecycle")) is None:
            message = "The lifecycle configuration does not exist"
            raise AwsError("NoSuchLifecycleConfiguration", message, 404, BucketName=request["Bucket"])
        return dict(found)

    def delete_bucket_lifecycle(self, call: Call, request: DeleteBucketLifecycleRequest) -> None:
        """Its task finds nothing to do, and ends."""
        find_bucket(call, request)
        with index(call).writing(), call.writing() as tx:
            tx.update(bucket_key(request["Bucket"]), call.now, _lifecycle=None)


def expiration(bucket: Doc, version: Version) -> Doc:
    """What an answer says of the end of an object that a rule is about: x-amz-expiration."""
    if "_lifecycle" not in bucket or not version.latest:
        return {}
    found: Any = rules.expiry(
        bucket["_lifecycle"]["Rules"], version.key, version.size, version.tag_set, when(version.modified)
    )
    if found is None:
        return {}
    date, name = found
    return {"Expiration": f'expiry-date="{format_datetime(date, usegmt=True)}", rule-id="{name}"'}
