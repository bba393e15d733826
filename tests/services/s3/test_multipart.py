"""Multipart uploads and copies, through boto3."""

import base64
import hashlib
import io
import os
from itertools import pairwise

import pytest
from awscrt import checksums
from boto3.s3.transfer import TransferConfig

MIB = 1024 * 1024
PARTS = [os.urandom(5 * MIB), os.urandom(5 * MIB + 1), b"tail"]
WHOLE = b"".join(PARTS)


def upload(s3, parts=PARTS, **more):
    id = s3.create_multipart_upload(Bucket="box", Key="k", **more)["UploadId"]
    algorithm = {n: more[n] for n in ("ChecksumAlgorithm",) if n in more}
    done = []
    for number, body in enumerate(parts, 1):
        said = s3.upload_part(Bucket="box", Key="k", UploadId=id, PartNumber=number, Body=body, **algorithm)
        done.append({"PartNumber": number} | {n: v for n, v in said.items() if n == "ETag" or n.startswith("Checksum")})
    return {"Bucket": "box", "Key": "k", "UploadId": id, "MultipartUpload": {"Parts": done}}


def test_parts_become_one_object(lone, s3):
    request = upload(s3, Metadata={"a": "b"}, Tagging="t=1", ContentType="x/y")
    assert [one["Size"] for one in s3.list_parts(Bucket="box", Key="k", UploadId=request["UploadId"])["Parts"]] == [
        len(part) for part in PARTS
    ]

    said = s3.complete_multipart_upload(**request)

    etag = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in PARTS)).hexdigest()
    got = s3.get_object(Bucket="box", Key="k", ChecksumMode="ENABLED")
    assert said["ETag"] == got["ETag"] == f'"{etag}-3"' and got["Body"].read() == WHOLE
    assert (got["Metadata"], got["TagCount"], got["ContentType"]) == ({"a": "b"}, 1, "x/y")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="box")
    part = s3.get_object(Bucket="box", Key="k", PartNumber=2)
    assert part["Body"].read() == PARTS[1] and part["PartsCount"] == 3
    assert said["Location"] == "http://127.0.0.1:4566/box/k"


def test_a_completion_may_be_asked_again(s3):
    request = upload(s3)

    once, again = s3.complete_multipart_upload(**request), s3.complete_multipart_upload(**request)

    assert once["ETag"] == again["ETag"]


def test_the_checksum_of_the_whole(s3):
    crc64 = base64.b64encode(checksums.crc64nvme(WHOLE).to_bytes(8, "big")).decode()
    assert s3.complete_multipart_upload(**upload(s3))["ChecksumCRC64NVME"] == crc64

    crc32 = base64.b64encode(checksums.crc32(WHOLE).to_bytes(4, "big")).decode()
    full = upload(s3, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    assert s3.complete_multipart_upload(**full)["ChecksumCRC32"] == crc32

    parts = b"".join(checksums.crc32(part).to_bytes(4, "big") for part in PARTS)
    composite = s3.complete_multipart_upload(**upload(s3, ChecksumAlgorithm="CRC32"))
    assert composite["ChecksumCRC32"] == base64.b64encode(checksums.crc32(parts).to_bytes(4, "big")).decode() + "-3"
    said = s3.get_object_attributes(Bucket="box", Key="k", ObjectAttributes=["ObjectParts", "Checksum"], MaxParts=2)
    assert said["ObjectParts"]["TotalPartsCount"] == 3 and len(said["ObjectParts"]["Parts"]) == 2
    assert said["ObjectParts"]["IsTruncated"] and said["Checksum"]["ChecksumType"] == "COMPOSITE"


def test_what_a_completion_refuses(s3, refused):
    request = upload(s3)
    parts = request["MultipartUpload"]["Parts"]
    complete = s3.complete_multipart_upload

    def listed(*parts):
        return request | {"MultipartUpload": {"Parts": list(parts)}}

    assert refused(complete, **listed(*parts[::-1])) == ("InvalidPartOrder", 400)
    assert refused(complete, **listed(parts[0] | {"ETag": '"no"'})) == ("InvalidPart", 400)
    assert refused(complete, **listed({"PartNumber": 9, "ETag": '"no"'})) == ("InvalidPart", 400)
    assert refused(complete, **listed()) == ("MalformedXML", 400)
    assert refused(complete, **request, ChecksumCRC64NVME=base64.b64encode(bytes(8)).decode()) == ("BadDigest", 400)
    assert refused(complete, **request, MpuObjectSize=1) == ("InvalidRequest", 400)
    assert refused(complete, **request | {"UploadId": "no"}) == ("NoSuchUpload", 404)
    assert refused(complete, **upload(s3, [b"small", b"tail"])) == ("EntityTooSmall", 400)
    s3.put_object(Bucket="box", Key="k")
    assert refused(complete, **request, IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert complete(**listed(*parts[:2]))["ETag"].endswith('-2"')


def test_a_part_may_be_sent_again_and_an_upload_given_up(lone, s3, refused):
    request = upload(s3, [b"first"])
    name = {n: request[n] for n in ("Bucket", "Key", "UploadId")}
    part = s3.upload_part(**name, PartNumber=1, Body=b"second")

    assert refused(s3.upload_part, **name, PartNumber=10_001, Body=b"") == ("InvalidArgument", 400)
    s3.complete_multipart_upload(**name, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert s3.get_object(Bucket="box", Key="k")["Body"].read() == b"second"

    other = s3.create_multipart_upload(Bucket="box", Key="k")["UploadId"]
    s3.upload_part(Bucket="box", Key="k", UploadId=other, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket="box", Key="k", UploadId=other)
    assert refused(s3.list_parts, Bucket="box", Key="k", UploadId=other) == ("NoSuchUpload", 404)
    lone.later(minutes=1)
    assert len(lone.bodies()) == 1


def test_uploads_and_parts_are_listed_in_pages(s3):
    ids = [s3.create_multipart_upload(Bucket="box", Key=key)["UploadId"] for key in ("a", "a", "b/c", "b/d", "e")]
    for number in range(1, 6):
        s3.upload_part(Bucket="box", Key="a", UploadId=ids[0], PartNumber=number, Body=b"x")

    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket="box", PaginationConfig={"PageSize": 2})
    assert [one["UploadId"] for page in pages for one in page["Uploads"]] == ids
    grouped = s3.list_multipart_uploads(Bucket="box", Delimiter="/")
    assert [one["Prefix"] for one in grouped["CommonPrefixes"]] == ["b/"] and len(grouped["Uploads"]) == 3
    parts = s3.get_paginator("list_parts").paginate(
        Bucket="box", Key="a", UploadId=ids[0], PaginationConfig={"PageSize": 2}
    )
    assert [one["PartNumber"] for page in parts for one in page["Parts"]] == [1, 2, 3, 4, 5]


def test_a_transfer_of_boto3_goes_up_and_down(s3):
    config = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=5 * MIB, use_threads=False)

    s3.upload_fileobj(io.BytesIO(WHOLE), "box", "k", Config=config)
    s3.copy({"Bucket": "box", "Key": "k"}, "box", "copied", Config=config)

    for key in ("k", "copied"):
        s3.download_fileobj("box", key, down := io.BytesIO(), Config=config)
        assert down.getvalue() == WHOLE


def test_a_copy_shares_the_body_until_the_last_of_them_is_gone(lone, s3):
    s3.put_object(Bucket="box", Key="a", Body=b"x", Metadata={"m": "1"}, Tagging="t=1", StorageClass="STANDARD_IA")

    said = s3.copy_object(Bucket="box", Key="b", CopySource={"Bucket": "box", "Key": "a"})

    s3.delete_object(Bucket="box", Key="a")
    lone.later(minutes=1)
    got = s3.get_object(Bucket="box", Key="b")
    assert got["Body"].read() == b"x" and got["Metadata"] == {"m": "1"} and got["TagCount"] == 1
    assert "StorageClass" not in got and said["CopyObjectResult"]["ETag"] == got["ETag"]
    s3.delete_object(Bucket="box", Key="b")
    lone.later(minutes=1)
    assert not lone.bodies()


def test_a_copy_of_a_multipart_object_is_a_whole(s3):
    s3.complete_multipart_upload(**upload(s3, ChecksumAlgorithm="SHA256"))

    said = s3.copy_object(Bucket="box", Key="b", CopySource="box/k")["CopyObjectResult"]

    assert said["ETag"] == f'"{hashlib.md5(WHOLE).hexdigest()}"'
    assert said["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(WHOLE).digest()).decode()


def test_what_a_copy_replaces_and_refuses(lone, s3, refused):
    etag = s3.put_object(Bucket="box", Key="a b", Body=b"x", ContentType="x/y", Metadata={"m": "1"}, Tagging="t=1")
    etag = etag["ETag"]
    copy, source = dict(Bucket="box", Key="a b", CopySource={"Bucket": "box", "Key": "a b"}), "box/a b"

    assert refused(s3.copy_object, **copy) == ("InvalidRequest", 400)
    s3.copy_object(**copy, MetadataDirective="REPLACE", Metadata={"n": "2"}, TaggingDirective="REPLACE", Tagging="u=2")
    got = s3.get_object(Bucket="box", Key="a b")
    assert got["Metadata"] == {"n": "2"} and got["ContentType"] == "binary/octet-stream"
    assert s3.get_object_tagging(Bucket="box", Key="a b")["TagSet"] == [{"Key": "u", "Value": "2"}]

    new = dict(Bucket="box", Key="new", CopySource=source)
    assert refused(s3.copy_object, **new, CopySourceIfMatch="no") == ("PreconditionFailed", 412)
    assert refused(s3.copy_object, **new, CopySourceIfNoneMatch=etag) == ("PreconditionFailed", 412)
    assert refused(s3.copy_object, **new | {"CopySource": "box"}) == ("InvalidArgument", 400)
    assert refused(s3.copy_object, **new | {"CopySource": "box/none"}) == ("NoSuchKey", 404)
    assert refused(s3.copy_object, **new, ExpectedSourceBucketOwner="111111111111") == ("AccessDenied", 403)
    said = s3.copy_object(**new, ChecksumAlgorithm="SHA1", CopySourceIfMatch=etag)["CopyObjectResult"]
    assert said["ChecksumSHA1"] == base64.b64encode(hashlib.sha1(b"x").digest()).decode()


def test_an_old_version_is_brought_back_by_a_copy(s3, refused):
    s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    old, new = (s3.put_object(Bucket="box", Key="k", Body=body)["VersionId"] for body in (b"old", b"new"))

    said = s3.copy_object(Bucket="box", Key="k", CopySource={"Bucket": "box", "Key": "k", "VersionId": old})

    assert said["CopySourceVersionId"] == old and said["VersionId"] not in (old, new)
    assert s3.get_object(Bucket="box", Key="k")["Body"].read() == b"old"
    marker = s3.delete_object(Bucket="box", Key="k")["VersionId"]
    source = {"Bucket": "box", "Key": "k", "VersionId": marker}
    assert refused(s3.copy_object, Bucket="box", Key="l", CopySource=source) == ("InvalidRequest", 400)


@pytest.mark.parametrize("cut", ["bytes=0-9", "bytes=5-5242884"])
def test_a_part_may_be_copied_from_an_object(s3, refused, cut):
    s3.put_object(Bucket="box", Key="source", Body=WHOLE)
    id = s3.create_multipart_upload(Bucket="box", Key="k")["UploadId"]
    part = dict(Bucket="box", Key="k", UploadId=id, PartNumber=1, CopySource="box/source")

    etag = s3.upload_part_copy(**part, CopySourceRange=cut)["CopyPartResult"]["ETag"]

    first, last = (int(n) for n in cut.removeprefix("bytes=").split("-"))
    assert etag == f'"{hashlib.md5(WHOLE[first : last + 1]).hexdigest()}"'
    assert refused(s3.upload_part_copy, **part, CopySourceRange=f"bytes=0-{len(WHOLE)}") == ("InvalidArgument", 400)
    assert refused(s3.upload_part_copy, **part, CopySourceRange="bytes=5-") == ("InvalidArgument", 400)


def test_upload_ids_rise_within_a_key(s3):
    ids = [s3.create_multipart_upload(Bucket="box", Key="k")["UploadId"] for _ in range(20)]

    assert all(earlier < later for earlier, later in pairwise(ids))
