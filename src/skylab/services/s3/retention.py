"""Object Lock's rules: what a write asks for, what a bucket gives by default, and which version may not go yet.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html. No protocol here but the errors.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from skylab.services.access import Need
from skylab.services.call import Call
from skylab.wire.errors import AwsError

MODE, UNTIL, HOLD = "ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus"
MEMBERS = (MODE, UNTIL, HOLD)  # of a write's request, of a version's members and of what GetObject shows
SEE_RETENTION = Need("s3:GetObjectRetention", "arn:aws:s3:::{Bucket}/{Key}")
SEE_HOLD = Need("s3:GetObjectLegalHold", "arn:aws:s3:::{Bucket}/{Key}")
GOVERNANCE, COMPLIANCE = "GOVERNANCE", "COMPLIANCE"


def asked(request: Mapping[str, Any], bucket: Mapping[str, Any], now: datetime, summed: bool) -> dict[str, Any]:
    """What a write says of its lock. summed: it promises a checksum of its body, which S3 then insists on."""
    given = {name: request[name] for name in MEMBERS if request.get(name)}
    if not given:
        return {}
    check_bucket(bucket)
    if (MODE in given) != (UNTIL in given):
        message = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        raise AwsError("InvalidArgument", message, 400)
    if UNTIL in given:
        check_future(given[UNTIL], now)
    if not summed:
        message = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock"
        raise AwsError("InvalidRequest", f"{message} parameters", 400)
    return given


def check_bucket(bucket: Mapping[str, Any]) -> None:
    if "_lock" not in bucket:
        raise AwsError("InvalidRequest", "Bucket is missing Object Lock Configuration", 400)


def check_future(until: datetime, now: datetime) -> None:
    if until <= now:
        raise AwsError("InvalidArgument", "The retain until date must be in the future!", 400)


def unseen(call: Call, request: Mapping[str, Any], members: Mapping[str, Any]) -> set[str]:
    """What of a lock a read does not show to who may not ask for it."""
    hidden = {MODE, UNTIL} if MODE in members and not call.may(SEE_RETENTION, request) else set()
    return hidden | ({HOLD} if HOLD in members and not call.may(SEE_HOLD, request) else set())


def by_default(bucket: Mapping[str, Any], members: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The retention of the bucket's rule, for a version that brings none of its own."""
    rule = (bucket.get("_lock") or {}).get("Rule")
    if not rule or MODE in members:
        return {}
    default = rule["DefaultRetention"]
    days = default.get("Days") or default["Years"] * 365
    return {MODE: default["Mode"], UNTIL: now + timedelta(days=days)}


def retained(members: Mapping[str, Any], now: datetime) -> bool:
    return UNTIL in members and members[UNTIL] > now


def protected(members: Mapping[str, Any], now: datetime, bypass: bool = False) -> bool:
    """Whether the version may not be taken away. bypass: governance is set aside by who may."""
    held = members.get(HOLD) == "ON"
    return held or (retained(members, now) and not (bypass and members[MODE] == GOVERNANCE))


def refused() -> AwsError:
    return AwsError("AccessDenied", "Access Denied because object protected by object lock.", 403)
