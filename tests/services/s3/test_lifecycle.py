"""Lifecycle: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"""

from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def live(s3, lone):
    """live(rule, ...) sets the rules of the bucket; live.later(days) lets what is due by then happen."""
    lone.clock.advance(hours=10)

    class Live:
        def __call__(self, *rules, **more):
            kept = [{"Status": "Enabled", "Filter": {}} | rule for rule in rules]
            return s3.put_bucket_lifecycle_configuration(Bucket="box", LifecycleConfiguration={"Rules": kept}, **more)

        def later(self, days):
            lone.clock.advance(days=days)
            for _ in range(2):
                lone.cloud.supervisor.step(lone.clock.now())

        def keys(self):
            return [entry["Key"] for entry in s3.list_objects_v2(Bucket="box").get("Contents", [])]

        def versions(self):
            listed = s3.list_object_versions(Bucket="box")
            return len(listed.get("Versions", [])), len(listed.get("DeleteMarkers", []))

    return Live()


def put(s3, key, body=b"x", **more):
    return s3.put_object(Bucket="box", Key=key, Body=body, **more)


def test_objects_expire_at_the_midnight_after_their_days(s3, lone, live):
    made = lone.clock.now()
    put(s3, "logs/a")
    put(s3, "kept/a")
    live({"ID": "old", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}})

    end = datetime(made.year, made.month, made.day, tzinfo=UTC) + timedelta(days=4)
    said = s3.head_object(Bucket="box", Key="logs/a")["Expiration"]
    assert said == f'expiry-date="{end:%a, %d %b %Y} 00:00:00 GMT", rule-id="old"'
    assert "Expiration" not in s3.head_object(Bucket="box", Key="kept/a")
    live.later(days=3)
    assert live.keys() == ["kept/a", "logs/a"]
    live.later(days=1)
    assert live.keys() == ["kept/a"]


def test_a_filter_means_all_that_it_says(s3, live):
    put(s3, "a", b"12345", Tagging="t=1")
    put(s3, "b", b"12345", Tagging="t=2")
    put(s3, "c", b"1", Tagging="t=1")
    tagged = {"Tags": [{"Key": "t", "Value": "1"}], "ObjectSizeGreaterThan": 3, "Prefix": ""}
    live({"Filter": {"And": tagged}, "Expiration": {"Days": 1}}, {"Status": "Disabled", "Expiration": {"Days": 1}})
    live.later(days=3)

    assert live.keys() == ["b", "c"]


def test_with_versions_expiration_puts_a_marker_and_what_is_not_current_goes_for_good(s3, live):
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(4):
        put(s3, "k")
    live(
        {"Expiration": {"Days": 2}},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    live.later(days=2)
    assert live.versions() == (2, 0)  # the current one and the newest that is not
    live.later(days=1)
    assert live.versions() == (2, 1) and live.keys() == []
    live.later(days=2)
    assert live.versions() == (1, 1)
    live({"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}, {"Expiration": {"ExpiredObjectDeleteMarker": True}})
    live.later(days=2)
    live.later(days=1)
    assert live.versions() == (0, 0)


def test_object_lock_wins(lone, live):
    client = lone.client()
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": lone.clock.now() + timedelta(days=30)}
    client.put_object(Bucket="locked", Key="k", Body=b"1", **lock)
    client.put_object(Bucket="locked", Key="k", Body=b"2")
    rule = {"Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    client.put_bucket_lifecycle_configuration(Bucket="locked", LifecycleConfiguration={"Rules": [rule]})
    live.later(days=10)
    assert len(client.list_object_versions(Bucket="locked")["Versions"]) == 2
    live.later(days=30)
    assert len(client.list_object_versions(Bucket="locked")["Versions"]) == 1


def test_objects_move_to_other_classes_and_small_ones_stay(s3, live, refused):
    put(s3, "large", b"x" * 200_000)
    put(s3, "small")
    moves = [{"Days": 1, "StorageClass": "STANDARD_IA"}, {"Days": 5, "StorageClass": "GLACIER"}]
    live({"Transitions": moves})
    live.later(days=3)
    assert s3.head_object(Bucket="box", Key="large")["StorageClass"] == "STANDARD_IA"
    live.later(days=4)
    assert refused(s3.get_object, Bucket="box", Key="large") == ("InvalidObjectState", 403)
    assert "StorageClass" not in s3.head_object(Bucket="box", Key="small")
    live({"Transitions": moves}, TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    live.later(days=1)
    assert s3.head_object(Bucket="box", Key="small")["StorageClass"] == "GLACIER"


def test_uploads_that_nobody_completes_are_aborted(s3, live, refused):
    upload = s3.create_multipart_upload(Bucket="box", Key="k")["UploadId"]
    s3.upload_part(Bucket="box", Key="k", UploadId=upload, PartNumber=1, Body=b"p")
    live({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}})
    live.later(days=1)
    s3.list_parts(Bucket="box", Key="k", UploadId=upload)
    live.later(days=2)
    assert refused(s3.list_parts, Bucket="box", Key="k", UploadId=upload) == ("NoSuchUpload", 404)


def test_many_objects_are_gone_through_in_pieces(s3, live, monkeypatch):
    monkeypatch.setattr("skylab.services.s3.expiring.BATCH", 3)
    for n in range(10):
        put(s3, f"k{n}")
    live({"Expiration": {"Days": 1}})
    live.later(days=2)
    assert live.keys() == []


def test_what_was_put_is_shown_with_ids_and_can_be_taken_back(s3, live, lone, refused):
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket="box") == ("NoSuchLifecycleConfiguration", 404)
    live({"ID": "mine", "Expiration": {"Days": 1}}, {"Expiration": {"Days": 2}})
    found = s3.get_bucket_lifecycle_configuration(Bucket="box")
    assert [rule["Expiration"]["Days"] for rule in found["Rules"]] == [1, 2]
    assert found["Rules"][0]["ID"] == "mine" and found["Rules"][1]["ID"]
    assert found["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"

    put(s3, "k")
    s3.delete_bucket_lifecycle(Bucket="box")
    live.later(days=3)
    assert live.keys() == ["k"]
    with lone.cloud.store.reading() as tx:
        assert [task for task in tx.tasks() if task.kind == "s3-lifecycle"] == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({}, "InvalidRequest"),
        ({"Expiration": {"Days": 0}}, "InvalidArgument"),
        ({"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}, "MalformedXML"),
        ({"Expiration": {"Date": datetime(2030, 1, 1, 12, tzinfo=UTC)}}, "InvalidArgument"),
        ({"ID": "x" * 256, "Expiration": {"Days": 1}}, "InvalidArgument"),
        ({"Prefix": "a", "Expiration": {"Days": 1}}, "MalformedXML"),
        ({"Transitions": [{"StorageClass": "GLACIER"}]}, "MalformedXML"),
        (
            {
                "Filter": {"Tag": {"Key": "a", "Value": "b"}},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            },
            "InvalidRequest",
        ),
    ],
)
def test_a_rule_that_means_nothing_is_refused(s3, refused, rule, code):
    config = {"Rules": [{"Status": "Enabled", "Filter": {}} | rule]}
    assert refused(s3.put_bucket_lifecycle_configuration, Bucket="box", LifecycleConfiguration=config) == (code, 400)


def test_ids_are_unique(s3, refused):
    rules = [{"ID": "same", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}] * 2
    assert refused(s3.put_bucket_lifecycle_configuration, Bucket="box", LifecycleConfiguration={"Rules": rules}) == (
        "InvalidArgument",
        400,
    )
