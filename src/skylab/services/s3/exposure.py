"""What keeps a bucket from being open by mistake: its public access block, and that it has no access control lists.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from skylab.services.call import Call
from skylab.services.s3.buckets import BLOCKS, ENFORCED, change
from skylab.services.s3.common import Doc, find_bucket, find_object, index, no_acls
from skylab.services.s3.digests import verify
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *


class Exposure:
    def get_public_access_block(self, call: Call, request: GetPublicAccessBlockRequest) -> Doc:
        if (block := find_bucket(call, request).get("_block")) is None:
            message = "The public access block configuration was not found"
            raise AwsError("NoSuchPublicAccessBlockConfiguration", message, 404, BucketName=request["Bucket"])
        return {"PublicAccessBlockConfiguration": block}

    def put_public_access_block(self, call: Call, request: PutPublicAccessBlockRequest) -> None:
        verify(call, request)
        given = request["PublicAccessBlockConfiguration"]
        change(call, request, _block={name: bool(given.get(name)) for name in BLOCKS})

    def delete_public_access_block(self, call: Call, request: DeletePublicAccessBlockRequest) -> None:
        change(call, request, _block=None)

    def get_bucket_ownership_controls(self, call: Call, request: GetBucketOwnershipControlsRequest) -> Doc:
        find_bucket(call, request)
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": ENFORCED}]}}

    def put_bucket_ownership_controls(self, call: Call, request: PutBucketOwnershipControlsRequest) -> None:
        verify(call, request)
        find_bucket(call, request)
        rules = request["OwnershipControls"]["Rules"]
        if len(rules) != 1:
            message = "The XML you provided was not well-formed or did not validate against our published schema"
            raise AwsError("MalformedXML", message, 400)
        if (wanted := rules[0]["ObjectOwnership"]) != ENFORCED:
            _refuse(f"ObjectOwnership {wanted}")

    def delete_bucket_ownership_controls(self, call: Call, request: DeleteBucketOwnershipControlsRequest) -> None:
        """It would let the writers of objects own them, and access control lists say who may read them."""
        find_bucket(call, request)
        _refuse("DeleteBucketOwnershipControls")

    def put_bucket_acl(self, call: Call, request: PutBucketAclRequest) -> None:
        verify(call, request)
        find_bucket(call, request)
        raise no_acls()

    def put_object_acl(self, call: Call, request: PutObjectAclRequest) -> None:
        verify(call, request)
        find_bucket(call, request)
        with index(call).reading() as db:
            find_object(db, request, "PUT")
        raise no_acls()


def _refuse(what: str) -> NoReturn:
    message = "A header you provided implies functionality that is not implemented"
    raise AwsError("NotImplemented", f"{message}: {what} (access control lists)", 501)
