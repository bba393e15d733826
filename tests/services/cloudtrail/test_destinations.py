"""What a bucket's policy has to say to CloudTrail.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
"""

import json

import pytest

from skylab.services.cloudtrail.destinations import allowed

ARN = "arn:aws:cloudtrail:us-east-1:000000000000:trail/audit"
TRAIL = {"TrailARN": ARN, "S3BucketName": "the-logs"}


def documented(resource="arn:aws:s3:::the-logs/AWSLogs/000000000000/*", arn=ARN, acl="bucket-owner-full-control"):
    """The policy of that page."""
    who = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    source = {"aws:SourceArn": arn}
    look = {"Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::the-logs", "Condition": {"StringEquals": source}}
    write = {"Action": "s3:PutObject", "Resource": resource}
    write |= {"Condition": {"StringEquals": source | {"s3:x-amz-acl": acl}}}
    return {"Version": "2012-10-17", "Statement": [who | look, who | write]}


def without(number):
    policy = documented()
    return policy | {"Statement": [policy["Statement"][1 - number]]}


@pytest.mark.parametrize(
    "policy, more, enough",
    [
        (documented(), {}, True),
        (documented("arn:aws:s3:::the-logs/p/AWSLogs/000000000000/*"), {"S3KeyPrefix": "p"}, True),
        (documented(), {"S3KeyPrefix": "p"}, False),
        (documented(arn=f"{ARN}-other"), {}, False),
        (documented(acl="private"), {}, False),
        (documented("arn:aws:s3:::the-logs/AWSLogs/111111111111/*"), {}, False),
        (without(0), {}, False),
        (without(1), {}, False),
    ],
)
def test_a_policy_is_enough(policy, more, enough):
    assert allowed(json.dumps(policy), "000000000000", TRAIL | more) is enough
