"""What a bucket says so that CloudTrail may write to it.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
"""

import json


def welcoming(bucket, prefix=""):
    """Of any trail: the text of a bucket policy without the condition on one trail's ARN."""
    may = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    acl = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    arn = f"arn:aws:s3:::{bucket}"
    look = may | {"Action": "s3:GetBucketAcl", "Resource": arn}
    write = may | {"Action": "s3:PutObject", "Resource": f"{arn}/{prefix}*", "Condition": acl}
    return json.dumps({"Version": "2012-10-17", "Statement": [look, write]})


def receiving(s3, bucket):
    """Makes a bucket that CloudTrail may write to."""
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=welcoming(bucket))
