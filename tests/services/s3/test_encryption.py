"""Bodies at rest are ciphertext in every mode, and who may not have the key does not get the content.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
"""

import base64
import hashlib
import io

import boto3.s3.transfer
import pytest
from botocore.exceptions import ClientError
from services.s3.encrypted import KEY, LARGE, MODES, PART, SECRET, body, modes, reading, source, uploaded


@modes
def test_an_object_is_read_as_it_was_written(s3, mode):
    for key, content in (("empty", b""), ("small", SECRET), ("chunk", bytes(2**17)), ("large", LARGE)):
        s3.put_object(Bucket="box", Key=key, Body=content, **MODES[mode])

        assert body(s3, key, mode) == content
        assert s3.head_object(Bucket="box", Key=key, **reading(mode))["ContentLength"] == len(content)


@modes
def test_any_range_is_read(s3, mode):
    s3.put_object(Bucket="box", Key="k", Body=LARGE, **MODES[mode])
    uploaded(s3, "parts", mode, PART, LARGE)

    for key, content in (("k", LARGE), ("parts", PART + LARGE)):
        ends = {0, 1, 2**17 - 1, 2**17, 2**20 + 5, len(content) - 1, min(len(PART), len(content) - 2)}
        for first in ends:
            for last in {end for end in ends if end >= first}:
                assert body(s3, key, mode, Range=f"bytes={first}-{last}") == content[first : last + 1]
    assert body(s3, "parts", mode, PartNumber=2) == LARGE


def test_every_body_at_rest_is_ciphertext(s3, lone):
    """All files of the folder are read while objects of every mode exist, whole, in parts and copied."""
    for mode, asked in MODES.items():
        s3.put_object(Bucket="box", Key=mode, Body=LARGE, **asked)
        uploaded(s3, f"{mode}/parts", mode, PART, SECRET * 10)
        s3.copy_object(Bucket="box", Key=f"{mode}/copy", CopySource=f"box/{mode}", **asked, **source(mode))
        upload = s3.create_multipart_upload(Bucket="box", Key="open", **asked)["UploadId"]
        s3.upload_part(Bucket="box", Key="open", UploadId=upload, PartNumber=1, Body=LARGE, **reading(mode))

    files = [path for path in lone.root.rglob("*") if path.is_file()]
    found = b"\0".join(path.read_bytes() for path in files)
    assert len(found) > 6 * len(PART)
    for secret in (SECRET, base64.b64encode(SECRET)[:-4], KEY, base64.b64encode(KEY), hashlib.md5(KEY).digest(),
                   base64.b64encode(hashlib.md5(KEY).digest())):  # fmt: skip
        assert secret not in found
    assert {path.stat().st_mode & 0o077 for path in files} == {0}


@modes
def test_an_etag_is_the_md5_under_sse_s3_only(s3, mode):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html"""
    answer = s3.put_object(Bucket="box", Key="k", Body=SECRET, **MODES[mode])

    digest = f'"{hashlib.md5(SECRET).hexdigest()}"'
    assert (answer["ETag"] == digest) == (mode in ("none", "s3")) and len(answer["ETag"]) == 34
    assert s3.head_object(Bucket="box", Key="k", **reading(mode))["ETag"] == answer["ETag"]
    assert uploaded(s3, "k", mode, PART, SECRET)["ETag"].endswith('-2"')


@modes
def test_every_answer_says_how_the_object_is_encrypted(s3, kms, mode):
    where = {"Bucket": "box", "Key": "k"}
    put = s3.put_object(**where, Body=SECRET, **MODES[mode])
    begun = s3.create_multipart_upload(Bucket="box", Key="k", **MODES[mode])
    part = {**where, "UploadId": begun["UploadId"], "PartNumber": 1, **reading(mode)}
    copy = {name: value for name, value in part.items() if name != "Body"} | source(mode)
    answers = [
        put, begun, s3.upload_part(**part, Body=PART), s3.upload_part_copy(**copy, CopySource="box/k"),
        s3.get_object(**where, **reading(mode)), s3.head_object(**where, **reading(mode)),
        s3.copy_object(Bucket="box", Key="copy", CopySource="box/k", **MODES[mode], **source(mode)),
    ]  # fmt: skip
    for answer in answers:
        if mode == "customer":
            assert "ServerSideEncryption" not in answer and answer["SSECustomerAlgorithm"] == "AES256"
            assert answer["SSECustomerKeyMD5"] == base64.b64encode(hashlib.md5(KEY).digest()).decode()
        else:
            assert answer["ServerSideEncryption"] == MODES[mode].get("ServerSideEncryption", "AES256")
            assert answer.get("SSEKMSKeyId", "arn:aws:kms:us-east-1:").startswith("arn:aws:kms:us-east-1:")
            assert ("SSEKMSKeyId" in answer) == (mode in ("kms", "bucket key", "dsse"))
            assert answer.get("BucketKeyEnabled") == (True if mode == "bucket key" else None)


@pytest.mark.parametrize("to", list(MODES))
@modes
def test_a_copy_changes_the_encryption_in_either_direction(s3, mode, to):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    s3.put_object(Bucket="box", Key="k", Body=LARGE, **MODES[mode])

    copied = s3.copy_object(Bucket="box", Key="copy", CopySource="box/k", **MODES[to], **source(mode))
    s3.delete_object(Bucket="box", Key="k")

    assert body(s3, "copy", to) == LARGE
    md5 = f'"{hashlib.md5(LARGE).hexdigest()}"'
    assert (copied["CopyObjectResult"]["ETag"] == md5) == (to in ("none", "s3"))


@modes
def test_a_part_is_copied_from_any_object(s3, mode):
    s3.put_object(Bucket="box", Key="k", Body=PART, **MODES[mode])
    for to, asked in MODES.items():
        where = {"Bucket": "box", "Key": "new"}
        where["UploadId"] = s3.create_multipart_upload(**where, **asked)["UploadId"]
        part = s3.upload_part_copy(
            **where, PartNumber=1, CopySource="box/k", CopySourceRange="bytes=7-4000000", **reading(to), **source(mode)
        )
        parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
        s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})

        assert body(s3, "new", to) == PART[7:4000001]


@modes
def test_the_transfer_of_boto3_works(s3, mode, tmp_path):
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=2**20, multipart_chunksize=5 * 2**20)
    content = PART + LARGE
    asked = {name: value for name, value in MODES[mode].items() if name != "BucketKeyEnabled"}  # it does not know that

    s3.upload_fileobj(io.BytesIO(content), "box", "k", ExtraArgs=asked, Config=config)
    s3.download_file("box", "k", str(tmp_path / "k"), ExtraArgs=reading(mode), Config=config)

    assert (tmp_path / "k").read_bytes() == content


# -- defaults


def test_a_bucket_encrypts_by_its_default_unless_the_request_says_otherwise(s3, kms):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html"""
    key = kms.create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    rule |= {"BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket="box", ServerSideEncryptionConfiguration={"Rules": [rule]})

    (shown,) = s3.get_bucket_encryption(Bucket="box")["ServerSideEncryptionConfiguration"]["Rules"]
    assert shown == rule | {"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}
    put = s3.put_object(Bucket="box", Key="k", Body=SECRET)
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"], put["BucketKeyEnabled"]) == ("aws:kms", key, True)
    assert uploaded(s3, "k", "none", SECRET)["SSEKMSKeyId"] == key
    assert s3.copy_object(Bucket="box", Key="c", CopySource="box/k")["SSEKMSKeyId"] == key
    assert s3.put_object(Bucket="box", Key="k", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    own = s3.put_object(Bucket="box", Key="k", ServerSideEncryption="aws:kms")
    assert own["SSEKMSKeyId"] != key and own["BucketKeyEnabled"]  # alias/aws/s3; the bucket's word on bucket keys
    assert "BucketKeyEnabled" not in s3.put_object(
        Bucket="box", Key="k", ServerSideEncryption="aws:kms", BucketKeyEnabled=False
    )

    s3.delete_bucket_encryption(Bucket="box")
    (shown,) = s3.get_bucket_encryption(Bucket="box")["ServerSideEncryptionConfiguration"]["Rules"]
    assert shown["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.put_object(Bucket="box", Key="k")["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([{"BucketKeyEnabled": True}] * 2, "MalformedXML"),
        (
            [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}}],
            "InvalidArgument",
        ),
        ([{"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C", "NONE"]}}], "MalformedXML"),
    ],
)
def test_a_wrong_default_is_refused(s3, refused, rules, code):
    assert refused(
        s3.put_bucket_encryption, Bucket="box", ServerSideEncryptionConfiguration={"Rules": rules}
    ) == (code, 400)  # fmt: skip


def test_a_read_does_not_choose_its_encryption(s3):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    s3.put_object(Bucket="box", Key="k", Body=SECRET)
    s3.meta.events.register(
        "before-sign.s3.GetObject", lambda request, **_: request.headers.add_header(
            "x-amz-server-side-encryption", "AES256"
        ),
    )  # fmt: skip

    with pytest.raises(ClientError, match="not supported for this operation"):
        s3.get_object(Bucket="box", Key="k")
