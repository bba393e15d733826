"""PutObject, GetObject, HeadObject and conditions, through boto3."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from awscrt import checksums


def test_what_is_put_is_got_with_everything_said_of_it(s3):
    expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    put = s3.put_object(
        Bucket="box", Key="a/b c+é%.txt", Body=b"hello", ContentType="text/plain",
        CacheControl="no-cache", Expires=expires,
        ContentDisposition="inline", ContentLanguage="de", ContentEncoding="gzip", Metadata={"Who": "me"},
        StorageClass="STANDARD_IA", WebsiteRedirectLocation="/x", Tagging="k=v&l=w",
    )  # fmt: skip

    got = s3.get_object(Bucket="box", Key="a/b c+é%.txt", ChecksumMode="ENABLED")

    assert got["Body"].read() == b"hello"
    assert put["ETag"] == got["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert (got["ContentType"], got["CacheControl"], got["ContentDisposition"]) == ("text/plain", "no-cache", "inline")
    assert (got["ContentLanguage"], got["ContentEncoding"], got["Metadata"]) == ("de", "gzip", {"who": "me"})
    assert (got["StorageClass"], got["WebsiteRedirectLocation"], got["TagCount"]) == ("STANDARD_IA", "/x", 2)
    assert got["ContentLength"] == 5 and got["AcceptRanges"] == "bytes" and "VersionId" not in got
    assert got["ChecksumCRC32"] == put["ChecksumCRC32"] and got["ChecksumType"] == "FULL_OBJECT"
    assert got["ExpiresString"] == "Wed, 02 Jan 2030 03:04:05 GMT"
    head = s3.head_object(Bucket="box", Key="a/b c+é%.txt")
    assert head["ContentLength"] == 5 and "ChecksumCRC32" not in head


def test_a_plain_object_is_binary_and_standard(s3):
    s3.put_object(Bucket="box", Key="k")

    got = s3.get_object(Bucket="box", Key="k")

    assert got["Body"].read() == b"" and got["ContentType"] == "binary/octet-stream"
    assert "StorageClass" not in got and "TagCount" not in got


@pytest.mark.parametrize(
    ("wanted", "body", "said"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"), ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=0-99", b"0123456789", "bytes 0-9/10"), ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-2", b"0123456789", None), ("bytes=1-2,4-5", b"0123456789", None), ("lines=1-2", b"0123456789", None),
    ],
)  # fmt: skip
def test_a_range_is_a_part_of_the_body(s3, wanted, body, said):
    s3.put_object(Bucket="box", Key="k", Body=b"0123456789")

    got = s3.get_object(Bucket="box", Key="k", Range=wanted)

    assert got["Body"].read() == body and got.get("ContentRange") == said
    assert got["ResponseMetadata"]["HTTPStatusCode"] == (206 if said else 200)
    assert s3.head_object(Bucket="box", Key="k", Range=wanted)["ContentLength"] == len(body)


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_without_a_byte_is_416(s3, refused, wanted):
    s3.put_object(Bucket="box", Key="k", Body=b"0123456789")

    assert refused(s3.get_object, Bucket="box", Key="k", Range=wanted) == ("InvalidRange", 416)


def test_reads_hold_their_conditions(lone, s3, refused):
    etag = s3.put_object(Bucket="box", Key="k", Body=b"x")["ETag"]
    now, hour = lone.clock.now(), timedelta(hours=1)
    get = dict(Bucket="box", Key="k")

    assert refused(s3.get_object, **get, IfMatch='"no"') == ("PreconditionFailed", 412)
    assert refused(s3.get_object, **get, IfUnmodifiedSince=now - hour) == ("PreconditionFailed", 412)
    assert refused(s3.get_object, **get, IfNoneMatch=etag) == ("304", 304)
    assert refused(s3.head_object, **get, IfModifiedSince=now) == ("304", 304)
    s3.get_object(**get, IfMatch=etag, IfUnmodifiedSince=now - hour)  # the ETag decides
    s3.get_object(**get, IfNoneMatch='"no"', IfModifiedSince=now + hour)


def test_writes_hold_their_conditions(s3, refused):
    put = dict(Bucket="box", Key="k", Body=b"x")

    assert refused(s3.put_object, **put, IfMatch='"no"') == ("NoSuchKey", 404)
    etag = s3.put_object(**put, IfNoneMatch="*")["ETag"]
    assert refused(s3.put_object, **put, IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert refused(s3.put_object, **put, IfMatch='"no"') == ("PreconditionFailed", 412)
    assert refused(s3.delete_object, Bucket="box", Key="k", IfMatch='"no"') == ("PreconditionFailed", 412)
    s3.put_object(**put, IfMatch=etag)
    s3.delete_object(Bucket="box", Key="k", IfMatch=etag)
    assert refused(s3.put_object, **put, IfNoneMatch=etag) == ("NotImplemented", 501)


def test_a_get_can_say_its_own_headers(s3):
    s3.put_object(Bucket="box", Key="k", Body=b"x", ContentType="text/plain")

    got = s3.get_object(Bucket="box", Key="k", ResponseContentType="a/b", ResponseContentDisposition="attachment")

    assert (got["ContentType"], got["ContentDisposition"]) == ("a/b", "attachment")


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_a_checksum_is_verified_stored_and_shown(s3, refused, name):
    body = {"Bucket": "box", "Key": "k", "Body": b"hello"}
    right = {
        "CRC32": checksums.crc32(b"hello").to_bytes(4, "big"), "CRC32C": checksums.crc32c(b"hello").to_bytes(4, "big"),
        "CRC64NVME": checksums.crc64nvme(b"hello").to_bytes(8, "big"),
        "SHA1": hashlib.sha1(b"hello").digest(), "SHA256": hashlib.sha256(b"hello").digest(),
    }[name]  # fmt: skip
    member = f"Checksum{name}"

    s3.put_object(**body, **{member: base64.b64encode(right).decode()})

    got = s3.get_object(Bucket="box", Key="k", ChecksumMode="ENABLED")
    assert got[member] == base64.b64encode(right).decode() and got["Body"].read() == b"hello"
    wrong = base64.b64encode(bytes(len(right))).decode()
    assert refused(s3.put_object, **body, **{member: wrong}) == ("BadDigest", 400)
    assert refused(s3.put_object, **body, **{member: "AAAA"})[1] == 400
    assert s3.get_object(Bucket="box", Key="k")["Body"].read() == b"hello"


def test_without_a_checksum_it_is_crc64nvme(lone):
    s3 = lone.client(request_checksum_calculation="when_required")
    s3.create_bucket(Bucket="box")

    put = s3.put_object(Bucket="box", Key="k", Body=b"hello")

    assert put["ChecksumCRC64NVME"] == base64.b64encode(checksums.crc64nvme(b"hello").to_bytes(8, "big")).decode()


def test_a_wrong_content_md5_leaves_nothing(lone, s3, refused):
    wrong = base64.b64encode(bytes(16)).decode()

    assert refused(s3.put_object, Bucket="box", Key="k", Body=b"x", ContentMD5=wrong) == ("BadDigest", 400)
    assert refused(s3.put_object, Bucket="box", Key="k", Body=b"x", ContentMD5="x") == ("InvalidDigest", 400)
    assert refused(s3.get_object, Bucket="box", Key="k") == ("NoSuchKey", 404)
    assert not lone.bodies()


@pytest.mark.parametrize("key", ["//", "../../etc/passwd", "a//b", ".", "é" * 512, "\U0001f600", " ", "a\nb", "a+b%20"])
def test_a_key_is_a_mere_name(s3, lone, key):
    s3.put_object(Bucket="box", Key=key, Body=key.encode())

    assert s3.get_object(Bucket="box", Key=key)["Body"].read() == key.encode()
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="box")["Contents"]] == [key]
    s3.delete_object(Bucket="box", Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket="box")


def test_what_s3_refuses_of_a_write(s3, refused):
    put = dict(Bucket="box", Key="k", Body=b"x")

    assert refused(s3.put_object, **put | {"Key": "é" * 513}) == ("KeyTooLongError", 400)
    assert refused(s3.put_object, **put, Metadata={"a": "x" * 2048}) == ("MetadataTooLarge", 400)
    assert refused(s3.put_object, **put, ACL="public-read") == ("AccessControlListNotSupported", 400)
    assert refused(s3.put_object, **put, StorageClass="SNOW") == ("InvalidStorageClass", 400)
    assert refused(s3.put_object, **put, StorageClass="COLD") == ("InvalidStorageClass", 400)
    assert refused(s3.put_object, **put, ExpectedBucketOwner="111111111111") == ("AccessDenied", 403)
    assert refused(s3.put_object, **put | {"Bucket": "none"}) == ("NoSuchBucket", 404)
    assert refused(s3.put_object, **put, Tagging="a=1&a=2") == ("InvalidTag", 400)


def test_another_account_sees_nothing(s3, stranger, refused):
    s3.put_object(Bucket="box", Key="k", Body=b"x")

    assert refused(stranger.get_object, Bucket="box", Key="k") == ("AccessDenied", 403)
    assert refused(stranger.delete_bucket, Bucket="box") == ("AccessDenied", 403)
    assert refused(stranger.create_bucket, Bucket="box") == ("BucketAlreadyExists", 409)
    assert stranger.list_buckets()["Buckets"] == []


def test_an_archived_object_cannot_be_read(s3, refused):
    s3.put_object(Bucket="box", Key="k", Body=b"x", StorageClass="GLACIER")

    assert refused(s3.get_object, Bucket="box", Key="k") == ("InvalidObjectState", 403)
    assert s3.head_object(Bucket="box", Key="k")["StorageClass"] == "GLACIER"


def test_tags_of_an_object(s3, refused):
    s3.put_object(Bucket="box", Key="k", Tagging="a=1")
    assert s3.get_object_tagging(Bucket="box", Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]

    s3.put_object_tagging(Bucket="box", Key="k", Tagging={"TagSet": [{"Key": "b", "Value": "2"}]})
    assert s3.get_object_tagging(Bucket="box", Key="k")["TagSet"] == [{"Key": "b", "Value": "2"}]

    many = {"TagSet": [{"Key": str(n), "Value": ""} for n in range(11)]}
    assert refused(s3.put_object_tagging, Bucket="box", Key="k", Tagging=many) == ("BadRequest", 400)
    s3.delete_object_tagging(Bucket="box", Key="k")
    assert s3.get_object_tagging(Bucket="box", Key="k")["TagSet"] == []


def test_attributes_and_acl(s3, refused):
    etag = s3.put_object(Bucket="box", Key="k", Body=b"hello")["ETag"]

    wanted = ["ETag", "ObjectSize", "StorageClass", "Checksum", "ObjectParts"]
    said = s3.get_object_attributes(Bucket="box", Key="k", ObjectAttributes=wanted)

    assert (said["ETag"], said["ObjectSize"], said["StorageClass"]) == (etag.strip('"'), 5, "STANDARD")
    assert said["Checksum"]["ChecksumType"] == "FULL_OBJECT" and "ObjectParts" not in said
    for acl in (s3.get_object_acl(Bucket="box", Key="k"), s3.get_bucket_acl(Bucket="box")):
        assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
        assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]
    assert refused(s3.get_object_acl, Bucket="box", Key="none") == ("NoSuchKey", 404)
