"""Where a trail may deliver to: its bucket, its key, its log group are looked at before the trail is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from skylab.kernel.journal import group_key
from skylab.kernel.key import Key
from skylab.policy.document import parse
from skylab.policy.evaluate import Policies, evaluate
from skylab.policy.request import Request, Who
from skylab.services.call import Call
from skylab.wire.errors import AwsError

PRINCIPAL = "cloudtrail.amazonaws.com"
CONTEXT = "aws:cloudtrail:arn"  # what the encryption context of log files tells: the trail
BUCKET = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]")
LOG_GROUP = re.compile(r"arn:aws:logs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):log-group:(?P<name>[^:]+)(?::\*)?")
ROLE = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/(?:.+/)?(?P<name>[^/]+)")


def check(call: Call, trail: Mapping[str, Any]) -> dict[str, Any]:
    """Raises AwsError for a destination that cannot be. Returns the members as they are to be kept: KmsKeyId as ARN."""
    _check_topic(trail)
    _check_prefix(trail.get("S3KeyPrefix") or "")
    _check_bucket(call, trail)
    _check_logs(call, trail)
    return {"KmsKeyId": _check_key(call, trail)} if trail.get("KmsKeyId") else {}


def _check_topic(trail: Mapping[str, Any]) -> None:
    if trail.get("SnsTopicName"):
        raise AwsError("NotImplemented", "A trail with SnsTopicName is not implemented: there is no SNS here yet.", 501)


def _check_prefix(prefix: str) -> None:
    if len(prefix) > 200 or prefix.startswith("/") or "//" in prefix:
        raise AwsError("InvalidS3PrefixException", f"S3 prefix {prefix[:200]} is not valid!")


def _check_bucket(call: Call, trail: Mapping[str, Any]) -> None:
    name = trail["S3BucketName"]
    if not BUCKET.fullmatch(name) or ".." in name:
        raise AwsError("InvalidS3BucketNameException", f"Bucket name {name[:100]} is not valid!")
    with call.reading() as tx:
        bucket = tx.find(Key("", "", "s3", "bucket", name))
    if bucket is None:
        raise AwsError("S3BucketDoesNotExistException", f"S3 bucket {name} does not exist!")
    if not may_write(bucket, trail):
        raise AwsError(
            "InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {name}"
        )


def may_write(bucket: Mapping[str, Any], trail: Mapping[str, Any]) -> bool:
    """Whether the bucket's policy lets CloudTrail read its ACL and write below AWSLogs/<account>."""
    policy = bucket.get("_policy")
    return policy is not None and allowed(policy["text"], bucket["_owner"], trail)


def allowed(policy: str, owner: str, trail: Mapping[str, Any]) -> bool:
    """What a bucket's policy says to CloudTrail on behalf of the trail. owner: the bucket's account.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    account, bucket = trail["TrailARN"].split(":")[4], f"arn:aws:s3:::{trail['S3BucketName']}"
    context = about(trail) | {"s3:x-amz-acl": ("bucket-owner-full-control",)}
    prefix = f"{trail['S3KeyPrefix']}/" if trail.get("S3KeyPrefix") else ""
    asked = {"s3:GetBucketAcl": bucket, "s3:PutObject": f"{bucket}/{prefix}AWSLogs/{account}/CloudTrail/file.json.gz"}
    policies = Policies(resource=parse(policy))
    requests = [Request(Who("", service=PRINCIPAL), action, arn, owner, context) for action, arn in asked.items()]
    return all(evaluate(request, policies).allowed for request in requests)


def about(trail: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The condition keys of what CloudTrail does for a trail."""
    return {
        "aws:sourcearn": (trail["TrailARN"],),
        "aws:sourceaccount": (trail["TrailARN"].split(":")[4],),
        "aws:principalservicename": (PRINCIPAL,),
        "aws:principalisawsservice": ("true",),
        "aws:securetransport": ("true",),
    }


def may_encrypt(call: Call, key: str, trail: Mapping[str, Any]) -> bool:
    """Whether the key's policy lets CloudTrail make data keys for the trail.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    _, _, _, region, account, resource = key.split(":", 5)
    with call.reading() as tx:
        found = tx.find(Key(account, region, "kms", "key", resource.removeprefix("key/")))
    if found is None:
        return False
    context = about(trail) | {f"kms:encryptioncontext:{CONTEXT}": (trail["TrailARN"],)}
    context |= {"kms:encryptioncontextkeys": (CONTEXT,), "kms:viaservice": (f"s3.{region}.amazonaws.com",)}
    request = Request(Who("", service=PRINCIPAL), "kms:GenerateDataKey", key, account, context)
    return evaluate(request, Policies(resource=parse(found["_"]["policy"]), required=True)).allowed


def _check_key(call: Call, trail: Mapping[str, Any]) -> str:
    key = _key_arn(call, trail["KmsKeyId"])
    if not may_encrypt(call, key, trail):
        bucket = trail["S3BucketName"]
        message = f"Insufficient permissions to access S3 bucket {bucket} or KMS key {key}."
        raise AwsError("InsufficientEncryptionPolicyException", message)
    return key


def _key_arn(call: Call, name: str) -> str:
    wanted = name if name.startswith(("arn:", "alias/")) or re.fullmatch(r"(mrk-)?[0-9a-f-]{32,36}", name) else None
    if wanted is None:
        raise AwsError("InvalidKmsKeyIdException", f"The KMS key ID {name[:200]} is not valid.")
    try:
        found = call.client("kms").describe_key(KeyId=wanted)["KeyMetadata"]
    except ClientError as problem:
        code = problem.response["Error"]["Code"]
        if code == "NotFoundException":
            raise AwsError("KmsKeyNotFoundException", f"KMS key {name} was not found.") from None
        if code.startswith("AccessDenied"):
            message = "CloudTrail does not have access to the specified KMS key."
            raise AwsError("InsufficientEncryptionPolicyException", message) from None
        raise AwsError("KmsException", f"KMS says: {problem.response['Error']['Message']}") from None
    if found.get("KeyState", "Enabled") != "Enabled":
        raise AwsError("KmsKeyDisabledException", f"KMS key {name} is disabled.")
    return str(found["Arn"])


def _check_logs(call: Call, trail: Mapping[str, Any]) -> None:
    group, role = trail.get("CloudWatchLogsLogGroupArn"), trail.get("CloudWatchLogsRoleArn")
    if not group and not role:
        return
    if not group:
        raise AwsError("InvalidCloudWatchLogsLogGroupArnException", "You must specify a log group ARN with a role ARN.")
    if not role:
        raise AwsError("InvalidCloudWatchLogsRoleArnException", "You must specify a role ARN with a log group ARN.")
    found, who = LOG_GROUP.fullmatch(group), ROLE.fullmatch(role)
    with call.reading() as tx:
        if found is None or tx.find(group_key(found["account"], found["region"], found["name"])) is None:
            raise AwsError(
                "InvalidCloudWatchLogsLogGroupArnException",
                f"CloudTrail cannot validate the specified log group ARN: {group}",
            )
        if who is None or tx.find(Key(who["account"], "", "iam", "role", who["name"])) is None:
            raise AwsError(
                "InvalidCloudWatchLogsRoleArnException", f"CloudTrail cannot validate the specified role ARN: {role}"
            )
