"""Buckets, their configuration, and deletions, through boto3."""

import pytest

from skylab.services.s3.names import check_bucket
from skylab.wire.errors import AwsError


def test_a_bucket_is_made_shown_and_deleted(lone, refused):
    s3 = lone.client()

    assert s3.create_bucket(Bucket="box")["Location"] == "/box"

    head = s3.head_bucket(Bucket="box")
    assert (head["BucketRegion"], head["BucketArn"]) == ("us-east-1", "arn:aws:s3:::box")
    listed = s3.list_buckets()
    assert ("box", lone.clock.now()) in [(one["Name"], one["CreationDate"]) for one in listed["Buckets"]]
    s3.delete_bucket(Bucket="box")
    assert refused(s3.head_bucket, Bucket="box") == ("404", 404)
    assert refused(s3.delete_bucket, Bucket="box") == ("NoSuchBucket", 404)


@pytest.mark.parametrize("name", ["Box", "a.", "a..b", "192.168.0.1", "xn--a", "a-s3alias", "a_b", "-ab", "a" * 64])
def test_a_bad_name_is_refused(name):
    with pytest.raises(AwsError) as error:
        check_bucket(name)
    assert error.value.code == "InvalidBucketName"


def test_a_bucket_is_placed_by_the_endpoint_s_rules(lone, refused):
    home, west = lone.client(), lone.client(region="eu-west-1")

    def at(region):
        return {"CreateBucketConfiguration": {"LocationConstraint": region}}

    home.create_bucket(Bucket="there", **at("eu-west-1"))
    west.create_bucket(Bucket="here", **at("eu-west-1"))

    assert home.get_bucket_location(Bucket="there")["LocationConstraint"] == "eu-west-1"
    assert refused(west.create_bucket, Bucket="new") == ("IllegalLocationConstraintException", 400)
    assert refused(west.create_bucket, Bucket="new", **at("eu-west-2")) == ("IllegalLocationConstraintException", 400)
    assert refused(home.create_bucket, Bucket="new", **at("us-east-1")) == ("InvalidLocationConstraint", 400)
    assert refused(home.create_bucket, Bucket="new", **at("moon-1")) == ("InvalidLocationConstraint", 400)
    assert refused(west.create_bucket, Bucket="here", **at("eu-west-1")) == ("BucketAlreadyOwnedByYou", 409)
    home.create_bucket(Bucket="new")
    home.create_bucket(Bucket="new")  # only in us-east-1
    assert home.get_bucket_location(Bucket="new")["LocationConstraint"] is None


def test_buckets_are_listed_in_pages(lone):
    s3 = lone.client()
    for n in range(5):
        s3.create_bucket(Bucket=f"box-{n}")
    s3.create_bucket(Bucket="other")

    first = s3.list_buckets(MaxBuckets=3, Prefix="box")
    s3.delete_bucket(Bucket="box-3")  # the name that the token carries
    second = s3.list_buckets(MaxBuckets=3, Prefix="box", ContinuationToken=first["ContinuationToken"])

    assert [one["Name"] for one in first["Buckets"] + second["Buckets"]] == ["box-0", "box-1", "box-2", "box-4"]
    assert "ContinuationToken" not in second and second["Prefix"] == "box"


def test_a_bucket_that_holds_something_stays(s3, refused):
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="box", Key="k")["VersionId"]
    marker = s3.delete_object(Bucket="box", Key="k")["VersionId"]

    assert refused(s3.delete_bucket, Bucket="box") == ("BucketNotEmpty", 409)
    for name in (version, marker):
        s3.delete_object(Bucket="box", Key="k", VersionId=name)
    s3.create_multipart_upload(Bucket="box", Key="k")  # does not keep it
    s3.delete_bucket(Bucket="box")


def test_tags_of_a_bucket(s3, refused):
    assert refused(s3.get_bucket_tagging, Bucket="box") == ("NoSuchTagSet", 404)
    tags = {"TagSet": [{"Key": "a", "Value": "1"}]}

    s3.put_bucket_tagging(Bucket="box", Tagging=tags)

    assert s3.get_bucket_tagging(Bucket="box")["TagSet"] == tags["TagSet"]
    s3.delete_bucket_tagging(Bucket="box")
    assert refused(s3.get_bucket_tagging, Bucket="box") == ("NoSuchTagSet", 404)


def test_many_are_deleted_at_once(s3, refused):
    for n in range(3):
        s3.put_object(Bucket="box", Key=str(n))

    said = s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": "0"}, {"Key": "none"}, {"Key": "x" * 1025}]})
    quiet = s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": "1"}], "Quiet": True})

    assert [one["Key"] for one in said["Deleted"]] == ["0", "none"]
    assert [one["Code"] for one in said["Errors"]] == ["KeyTooLongError"]
    assert "Deleted" not in quiet
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="box")["Contents"]] == ["2"]
    many = {"Objects": [{"Key": str(n)} for n in range(1001)]}
    assert refused(s3.delete_objects, Bucket="box", Delete=many) == ("MalformedXML", 400)


def test_versions_are_kept_named_and_deleted(s3, refused):
    def put(body):
        return s3.put_object(Bucket="box", Key="k", Body=body).get("VersionId")

    assert put(b"0") is None
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    one, two = put(b"1"), put(b"2")

    assert s3.get_bucket_versioning(Bucket="box")["Status"] == "Enabled"
    assert s3.get_object(Bucket="box", Key="k")["Body"].read() == b"2"
    assert s3.get_object(Bucket="box", Key="k", VersionId=one)["Body"].read() == b"1"
    assert s3.get_object(Bucket="box", Key="k", VersionId="null")["Body"].read() == b"0"

    gone = s3.delete_object(Bucket="box", Key="k")
    assert gone["DeleteMarker"] is True
    assert refused(s3.get_object, Bucket="box", Key="k") == ("NoSuchKey", 404)
    assert refused(s3.get_object, Bucket="box", Key="k", VersionId=gone["VersionId"]) == ("MethodNotAllowed", 405)
    assert refused(s3.get_object, Bucket="box", Key="k", VersionId="x") == ("InvalidArgument", 400)
    assert refused(s3.get_object, Bucket="box", Key="k", VersionId="0" * 32) == ("NoSuchVersion", 404)

    s3.delete_object(Bucket="box", Key="k", VersionId=gone["VersionId"])
    s3.delete_object(Bucket="box", Key="k", VersionId=two)
    assert s3.get_object(Bucket="box", Key="k")["VersionId"] == one


def test_suspended_versioning_replaces_the_null_version_only(s3):
    s3.put_object(Bucket="box", Key="k", Body=b"0")
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": status})
        s3.put_object(Bucket="box", Key="k", Body=status.encode())

    listed = s3.list_object_versions(Bucket="box")["Versions"]
    assert [(one["VersionId"] == "null", one["IsLatest"]) for one in listed] == [(True, True), (False, False)]
    assert s3.get_object(Bucket="box", Key="k", VersionId="null")["Body"].read() == b"Suspended"

    assert s3.delete_object(Bucket="box", Key="k")["VersionId"] == "null"
    said = s3.list_object_versions(Bucket="box")
    assert [one["VersionId"] for one in said["DeleteMarkers"]] == ["null"] and len(said["Versions"]) == 1
