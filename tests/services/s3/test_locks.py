"""Object Lock: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html"""

import json
from datetime import timedelta

import pytest
from access_steps import doc, policy
from botocore.exceptions import ClientError


@pytest.fixture
def locked(lone):
    client = lone.client()
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    return client


def put(client, lone, mode="GOVERNANCE", days=10, **more):
    until = lone.clock.now() + timedelta(days=days)
    more |= {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until} if mode else {}
    return client.put_object(Bucket="locked", Key="k", Body=b"kept", **more)["VersionId"]


def later(lone, days):
    lone.clock.advance(days=days)
    lone.cloud.supervisor.step(lone.clock.now())  # who asks has a session, which it renews


def test_a_bucket_made_with_object_lock_has_versions_and_keeps_them(locked, refused):
    assert locked.get_bucket_versioning(Bucket="locked")["Status"] == "Enabled"
    found = locked.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"]
    assert found == {"ObjectLockEnabled": "Enabled"}
    suspended = {"Status": "Suspended"}
    assert refused(locked.put_bucket_versioning, Bucket="locked", VersioningConfiguration=suspended) == (
        "InvalidBucketState",
        409,
    )


def test_a_retained_version_is_not_deleted_and_a_delete_marker_is_only_put_before_it(locked, lone, refused):
    version = put(locked, lone, "COMPLIANCE")

    assert refused(locked.delete_object, Bucket="locked", Key="k", VersionId=version) == ("AccessDenied", 403)
    assert refused(
        locked.delete_object, Bucket="locked", Key="k", VersionId=version, BypassGovernanceRetention=True
    ) == ("AccessDenied", 403)
    batch = locked.delete_objects(
        Bucket="locked", Delete={"Objects": [{"Key": "k", "VersionId": version}]}, BypassGovernanceRetention=True
    )
    assert [error["Code"] for error in batch["Errors"]] == ["AccessDenied"] and "Deleted" not in batch
    assert locked.delete_object(Bucket="locked", Key="k")["DeleteMarker"]
    assert locked.get_object(Bucket="locked", Key="k", VersionId=version)["Body"].read() == b"kept"

    later(lone, 10)
    locked.delete_object(Bucket="locked", Key="k", VersionId=version)
    assert refused(locked.get_object, Bucket="locked", Key="k", VersionId=version) == ("NoSuchVersion", 404)


def test_governance_is_set_aside_by_who_says_so(locked, lone, refused):
    version = put(locked, lone)

    assert refused(locked.delete_object, Bucket="locked", Key="k", VersionId=version) == ("AccessDenied", 403)
    locked.delete_object(Bucket="locked", Key="k", VersionId=version, BypassGovernanceRetention=True)


def test_retention_is_extended_by_anybody_and_shortened_by_nobody_but_who_sets_governance_aside(locked, lone, refused):
    version = put(locked, lone)

    def retain(mode, days, **more):
        until = lone.clock.now() + timedelta(days=days)
        request = {"Bucket": "locked", "Key": "k", "Retention": {"Mode": mode, "RetainUntilDate": until}}
        return request | more

    assert refused(locked.put_object_retention, **retain("GOVERNANCE", 5)) == ("AccessDenied", 403)
    locked.put_object_retention(**retain("GOVERNANCE", 5, BypassGovernanceRetention=True))
    locked.put_object_retention(**retain("COMPLIANCE", 20))
    for changed in (retain("COMPLIANCE", 19), retain("GOVERNANCE", 30)):
        assert refused(locked.put_object_retention, **changed, BypassGovernanceRetention=True) == ("AccessDenied", 403)
    assert refused(locked.put_object_retention, **retain("COMPLIANCE", -1)) == ("InvalidArgument", 400)
    found = locked.get_object_retention(Bucket="locked", Key="k", VersionId=version)["Retention"]
    assert (found["Mode"], found["RetainUntilDate"]) == ("COMPLIANCE", lone.clock.now() + timedelta(days=20))
    assert locked.head_object(Bucket="locked", Key="k")["ObjectLockMode"] == "COMPLIANCE"


def test_a_legal_hold_has_no_end_but_the_word_off(locked, lone, refused):
    version = put(locked, lone, None)
    assert refused(locked.get_object_legal_hold, Bucket="locked", Key="k") == ("NoSuchObjectLockConfiguration", 404)
    locked.put_object_legal_hold(Bucket="locked", Key="k", LegalHold={"Status": "ON"})
    later(lone, 40_000)

    assert refused(
        locked.delete_object, Bucket="locked", Key="k", VersionId=version, BypassGovernanceRetention=True
    ) == ("AccessDenied", 403)
    assert locked.get_object(Bucket="locked", Key="k")["ObjectLockLegalHoldStatus"] == "ON"

    locked.put_object_legal_hold(Bucket="locked", Key="k", LegalHold={"Status": "OFF"})
    locked.delete_object(Bucket="locked", Key="k", VersionId=version)


def test_what_is_written_without_a_word_has_the_buckets_retention(locked, lone):
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
    config = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    locked.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=config)
    assert locked.get_object_lock_configuration(Bucket="locked")["ObjectLockConfiguration"] == config
    put(locked, lone, None)
    upload = locked.create_multipart_upload(Bucket="locked", Key="parts")["UploadId"]
    part = locked.upload_part(Bucket="locked", Key="parts", UploadId=upload, PartNumber=1, Body=b"p")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    locked.complete_multipart_upload(Bucket="locked", Key="parts", UploadId=upload, MultipartUpload=parts)
    locked.copy_object(Bucket="locked", Key="copy", CopySource="locked/k")

    for key in ("k", "parts", "copy"):
        found = locked.get_object_retention(Bucket="locked", Key=key)["Retention"]
        assert (found["Mode"], found["RetainUntilDate"]) == ("GOVERNANCE", lone.clock.now() + timedelta(days=3))


def test_a_copy_does_not_inherit_the_lock_of_its_source(locked, lone, refused):
    put(locked, lone)
    locked.copy_object(Bucket="locked", Key="copy", CopySource="locked/k")
    assert refused(locked.get_object_retention, Bucket="locked", Key="copy") == ("NoSuchObjectLockConfiguration", 404)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE"}}},
        {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}}},
        {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 0}}},
        {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 101}}},
    ],
)
def test_a_configuration_that_means_nothing_is_refused(locked, refused, config):
    code, status = refused(locked.put_object_lock_configuration, Bucket="locked", ObjectLockConfiguration=config)
    assert (code in ("MalformedXML", "InvalidArgument"), status) == (True, 400)


def test_a_bucket_without_object_lock_says_so(s3, lone, refused):
    until = lone.clock.now() + timedelta(days=1)
    config = {"ObjectLockEnabled": "Enabled"}
    assert refused(s3.get_object_lock_configuration, Bucket="box") == ("ObjectLockConfigurationNotFoundError", 404)
    assert refused(s3.put_object_lock_configuration, Bucket="box", ObjectLockConfiguration=config) == (
        "InvalidBucketState",
        409,
    )
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
    assert refused(s3.put_object, Bucket="box", Key="k", Body=b"", **lock) == ("InvalidRequest", 400)
    assert refused(s3.get_object_retention, Bucket="box", Key="k") == ("InvalidRequest", 400)


def test_half_a_retention_is_refused(locked, refused):
    assert refused(locked.put_object, Bucket="locked", Key="k", Body=b"", ObjectLockMode="GOVERNANCE") == (
        "InvalidArgument",
        400,
    )


def deny(*actions):
    return json.dumps(policy(doc(Effect="Deny", Action=actions, Resource="arn:aws:s3:::locked/*")))


def test_a_read_shows_of_a_lock_what_its_reader_may_ask_for(locked, lone):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: x-amz-object-lock-mode and its kin"""
    put(locked, lone)
    locked.put_object_legal_hold(Bucket="locked", Key="k", LegalHold={"Status": "ON"})

    def shown():
        reads = locked.get_object(Bucket="locked", Key="k"), locked.head_object(Bucket="locked", Key="k")
        (seen,) = {frozenset(name for name in read if name.startswith("ObjectLock")) for read in reads}
        return seen

    assert shown() == {"ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus"}
    locked.put_bucket_policy(Bucket="locked", Policy=deny("s3:GetObjectRetention"))
    assert shown() == {"ObjectLockLegalHoldStatus"}
    locked.put_bucket_policy(Bucket="locked", Policy=deny("s3:GetObjectRetention", "s3:GetObjectLegalHold"))
    assert shown() == set()


def test_governance_is_set_aside_by_who_may(locked, lone, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html"""
    version = put(locked, lone)
    locked.put_bucket_policy(Bucket="locked", Policy=deny("s3:BypassGovernanceRetention"))
    given = {"Bucket": "locked", "BypassGovernanceRetention": True}

    with pytest.raises(ClientError, match="s3:BypassGovernanceRetention"):
        locked.delete_object(**given, Key="k", VersionId=version)
    (failed,) = locked.delete_objects(**given, Delete={"Objects": [{"Key": "k", "VersionId": version}]})["Errors"]
    assert "s3:BypassGovernanceRetention" in failed["Message"]
    assert refused(locked.put_object_retention, **given, Key="k", Retention={}) == ("AccessDenied", 403)

    locked.delete_bucket_policy(Bucket="locked")
    assert "Errors" not in locked.delete_objects(**given, Delete={"Objects": [{"Key": "k", "VersionId": version}]})


def test_a_policy_bounds_how_long_anybody_may_lock(locked, lone, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html"""
    put(locked, lone, None)
    long = {"Condition": {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}}, "Effect": "Deny"}
    only = doc(Action=["s3:PutObject", "s3:PutObjectRetention"], Resource="arn:aws:s3:::locked/*", **long)
    locked.put_bucket_policy(Bucket="locked", Policy=json.dumps(policy(only)))

    put(locked, lone, days=10)
    put(locked, lone, None)
    with pytest.raises(ClientError, match="explicit deny"):
        put(locked, lone, days=10.1)
    retention = {"Mode": "GOVERNANCE", "RetainUntilDate": lone.clock.now() + timedelta(days=11)}
    assert refused(locked.put_object_retention, Bucket="locked", Key="k", Retention=retention) == ("AccessDenied", 403)
