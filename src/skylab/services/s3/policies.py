"""The policy of a bucket. What it says is decided where every request is: standing.py hands it over."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.policy.document import Policy
from skylab.services.call import Call
from skylab.services.s3 import grammar
from skylab.services.s3.access import PUT_POLICY
from skylab.services.s3.buckets import change
from skylab.services.s3.common import Doc, find_bucket
from skylab.services.s3.digests import verify
from skylab.services.s3.public import is_public
from skylab.services.s3.standing import CANDIDATE
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.s3 import *

OWN = re.compile(r"arn:aws:iam::(\d{12}):(user|role)/(?:.*/)?([^/]+)")


class Policies:
    def get_bucket_policy(self, call: Call, request: GetBucketPolicyRequest) -> Doc:
        return {"Policy": _policy(_own(call, request), request)["text"]}

    def put_bucket_policy(self, call: Call, request: PutBucketPolicyRequest) -> None:
        verify(call, request)
        text, bucket = request["Policy"], _own(call, request)
        policy = grammar.checked(text, request["Bucket"])
        _check_principals(call, policy)
        public = is_public(policy)
        if public and bucket.get("_block", {}).get("BlockPublicPolicy"):
            why = "public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access"
            raise _refused(call, request, why)
        if not request.get("ConfirmRemoveSelfBucketAccess"):
            _check_access(call, request, text)
        change(call, request, _policy={"text": text, "public": public})

    def delete_bucket_policy(self, call: Call, request: DeleteBucketPolicyRequest) -> None:
        _own(call, request)
        change(call, request, _policy=None)

    def get_bucket_policy_status(self, call: Call, request: GetBucketPolicyStatusRequest) -> Doc:
        return {"PolicyStatus": {"IsPublic": _policy(find_bucket(call, request), request)["public"]}}


def _own(call: Call, request: Any) -> Doc:
    """The bucket. Whoever of another account was let in by its policy does not get to see or to change that policy."""
    bucket = find_bucket(call, request)
    if bucket["_owner"] != call.account:
        message = "The specified method is not allowed against this resource."
        members = {"Method": call.http.method, "ResourceType": "BUCKETPOLICY"}
        raise AwsError("MethodNotAllowed", message, 405, **members)
    return bucket


def _policy(bucket: Doc, request: Any) -> Doc:
    if "_policy" not in bucket:
        raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404, BucketName=request["Bucket"])
    return dict(bucket["_policy"])


def _check_principals(call: Call, policy: Policy) -> None:
    """Users and roles of the bucket's account exist; of other accounts nothing is known."""
    names = {name for statement in policy.statements if statement.principals for name in statement.principals.names}
    with call.reading() as tx:
        for account, kind, name in (found.groups() for found in map(OWN.fullmatch, names) if found):
            if account == call.account and tx.find(Key(account, "", "iam", kind, name)) is None:
                raise AwsError("MalformedPolicy", "Invalid principal in policy", 400)


def _check_access(call: Call, request: Any, text: str) -> None:
    """Who puts a policy can put another one under it: judged as every request is, with this policy for the bucket's.

    ConfirmRemoveSelfBucketAccess of https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
    """
    under = replace(call, part={**call.part, CANDIDATE: text})
    if not under.may(PUT_POLICY, request):
        raise _refused(call, request, "the new policy would not allow you to change it, which you did not confirm")


def _refused(call: Call, request: Any, why: str) -> AwsError:
    who, arn = call.principal.arn, f"arn:aws:s3:::{request['Bucket']}"
    message = f'User: {who} is not authorized to perform: s3:PutBucketPolicy on resource: "{arn}" because {why}.'
    return AwsError("AccessDenied", message, 403)
