"""Bodies at rest are ciphertext in every mode, and who may not have the key does not get the content.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
"""

import base64
import hashlib
import io
import json
from dataclasses import replace

import boto3.s3.transfer
import pytest
from botocore.exceptions import ClientError

from skylab.kernel.store import load
from skylab.services.call import Principal
from skylab.services.s3 import wrapping
from skylab.services.s3.wish import customer_key
from skylab.wire.errors import AwsError

KEY, OTHER = b"k" * 32, b"o" * 32
SECRET = b"the secret content of an object "
LARGE = SECRET * 40_000  # 1.25 MB: more than a chunk, and than a piece
PART = SECRET * 5 * 2**15  # 5 MiB
MODES = {
    "none": {},
    "s3": {"ServerSideEncryption": "AES256"},
    "kms": {"ServerSideEncryption": "aws:kms"},
    "bucket key": {"ServerSideEncryption": "aws:kms", "BucketKeyEnabled": True},
    "dsse": {"ServerSideEncryption": "aws:kms:dsse"},
    "customer": {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY},
}
modes = pytest.mark.parametrize("mode", list(MODES))


def reading(mode):
    return MODES[mode] if mode == "customer" else {}


def source(mode):
    return {f"CopySource{name}": value for name, value in reading(mode).items()}


def body(s3, key, mode="none", **more):
    return s3.get_object(Bucket="box", Key=key, **reading(mode), **more)["Body"].read()


def uploaded(s3, key, mode, *bodies):
    """An object put together of parts; the answer to its completion."""
    where = {"Bucket": "box", "Key": key}
    where["UploadId"] = s3.create_multipart_upload(**where, **MODES[mode])["UploadId"]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**where, PartNumber=n, Body=part, **reading(mode))["ETag"]}
        for n, part in enumerate(bodies, 1)
    ]
    return s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, **reading(mode))


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


# -- KMS


@pytest.mark.parametrize("mode", ["kms", "dsse"])
def test_reading_needs_an_enabled_key(s3, kms, refused, mode):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    where = {"Bucket": "box", "Key": "k"}
    s3.put_object(**where, Body=SECRET, SSEKMSKeyId=key, **MODES[mode])

    kms.disable_key(KeyId=key)

    assert refused(s3.get_object, **where) == ("KMS.DisabledException", 400)
    assert refused(s3.put_object, **where, SSEKMSKeyId=key, **MODES[mode]) == ("KMS.DisabledException", 400)
    assert refused(s3.copy_object, Bucket="box", Key="c", CopySource="box/k") == ("KMS.DisabledException", 400)
    assert refused(s3.head_object, **where, ChecksumMode="ENABLED")[1] == 400
    attributes = {**where, "ObjectAttributes": ["Checksum"]}
    assert refused(s3.get_object_attributes, **attributes) == ("KMS.DisabledException", 400)
    assert s3.head_object(**where)["ServerSideEncryption"] == MODES[mode]["ServerSideEncryption"]
    s3.delete_object(Bucket="box", Key="c")
    kms.enable_key(KeyId=key)
    assert body(s3, "k") == SECRET


def test_a_key_that_does_not_exist_is_told(s3, refused):
    missing = "11111111-2222-3333-4444-555555555555"
    asked = {"Bucket": "box", "Key": "k", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": missing}

    assert refused(s3.put_object, **asked) == ("KMS.NotFoundException", 400)
    assert refused(s3.create_multipart_upload, **asked) == ("KMS.NotFoundException", 400)


@pytest.fixture
def asked(monkeypatch):
    """What KMS is asked, in order."""
    operations = []
    real = wrapping._asked

    def spied(call, operation, given):
        operations.append(operation)
        return real(call, operation, given)

    monkeypatch.setattr(wrapping, "_asked", spied)
    return operations


def test_kms_is_asked_for_each_object_and_part(s3, asked):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions"""
    s3.put_object(Bucket="box", Key="k", Body=SECRET, **MODES["kms"])
    assert asked == ["generate_data_key"]
    s3.head_object(Bucket="box", Key="k")
    s3.get_object(Bucket="box", Key="k")
    s3.get_object(Bucket="box", Key="k")
    assert asked == ["generate_data_key", "decrypt", "decrypt"]

    asked.clear()
    uploaded(s3, "parts", "kms", PART, SECRET)
    assert asked == ["generate_data_key", "decrypt", "decrypt", "decrypt"]  # begun, two parts, completed

    asked.clear()
    s3.copy_object(Bucket="box", Key="copy", CopySource="box/k", **MODES["kms"])
    assert asked == ["decrypt", "generate_data_key"]


def test_a_bucket_key_spares_calls_for_a_while(s3, lone, asked):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html"""
    for n in range(5):
        s3.put_object(Bucket="box", Key=f"k{n}", Body=SECRET, **MODES["bucket key"])
    assert [body(s3, f"k{n}") for n in range(5)] == [SECRET] * 5
    assert asked == ["generate_data_key", "decrypt"]

    lone.clock.advance(minutes=2)
    assert body(s3, "k0") == SECRET
    s3.put_object(Bucket="box", Key="new", Body=SECRET, **MODES["bucket key"])
    assert asked == ["generate_data_key", "decrypt", "decrypt", "generate_data_key"]


def test_a_bucket_key_of_one_requester_is_not_another_s(s3, lone, asked):
    s3.put_object(Bucket="box", Key="k", Body=SECRET, **MODES["bucket key"])
    body(s3, "k")
    with lone.part["objects"].reading() as db:
        meta = load(db.execute("select meta from version").fetchone()[0])
    account = lone.cloud.settings.account
    someone = Principal(f"arn:aws:iam::{account}:user/someone", "ID", account, "AKIANOBODY")

    call = replace(lone.call(account), principal=someone)
    with pytest.raises(LookupError):  # KMS would be asked in their name, whose key does not exist
        lone.part["keys"].open(call, meta, "box", "k", None)
    assert asked == ["generate_data_key", "decrypt", "decrypt"]


def context(**pairs):
    return base64.b64encode(json.dumps(pairs).encode()).decode()


def test_an_encryption_context_goes_to_kms_beside_the_object_s_name(s3, lone, monkeypatch):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context"""
    given = context(team="ml")
    asked = {"Bucket": "box", "Key": "k", "SSEKMSEncryptionContext": given}
    put = s3.put_object(**asked, Body=SECRET, ServerSideEncryption="aws:kms")

    assert put["SSEKMSEncryptionContext"] == given and body(s3, "k") == SECRET
    with lone.part["objects"].reading() as db:
        (meta,) = db.execute("select meta from version").fetchone()
    assert json.loads(meta)["_key"]["context"] == {"team": "ml", "aws:s3:arn": "arn:aws:s3:::box/k"}

    s3.put_object(**asked, ServerSideEncryption="aws:kms", BucketKeyEnabled=True)
    with lone.part["objects"].reading() as db:
        (meta,) = db.execute("select meta from version").fetchone()
    assert json.loads(meta)["_key"]["context"] == {"team": "ml", "aws:s3:arn": "arn:aws:s3:::box"}


@pytest.mark.parametrize("text", ["?", "e30", base64.b64encode(b"[]").decode(), context(a=1), "//79"])
def test_a_context_that_is_no_map_of_texts_is_refused(s3, refused, text):
    asked = {"Bucket": "box", "Key": "k", "ServerSideEncryption": "aws:kms", "SSEKMSEncryptionContext": text}

    assert refused(s3.put_object, **asked) == ("InvalidArgument", 400)


# -- customers' keys


def customer(key=KEY, algorithm="AES256", digest=None):
    """The headers as they go out, which boto3 would put right."""
    text = base64.b64encode(key).decode()
    return {
        "SSECustomerAlgorithm": algorithm, "SSECustomerKey": text,
        "SSECustomerKeyMD5": digest or base64.b64encode(hashlib.md5(key).digest()).decode(),
    }  # fmt: skip


def test_only_the_customer_s_key_opens_the_object(s3, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html"""
    where = {"Bucket": "box", "Key": "k"}
    s3.put_object(**where, Body=SECRET, **MODES["customer"])
    s3.put_object(Bucket="box", Key="plain", Body=SECRET)

    wrong = customer(OTHER)
    for call in (s3.get_object, lambda **given: s3.get_object_attributes(**given, ObjectAttributes=["ETag"])):
        assert refused(call, **where) == ("InvalidRequest", 400)
        assert refused(call, **where, **wrong) == ("AccessDenied", 403)
        assert refused(call, Bucket="box", Key="plain", **wrong) == ("InvalidRequest", 400)
    assert refused(s3.head_object, **where)[1] == 400 and refused(s3.head_object, **where, **wrong)[1] == 403
    assert refused(s3.copy_object, Bucket="box", Key="c", CopySource="box/k") == ("InvalidRequest", 400)


def test_the_parts_of_an_upload_come_with_its_key(s3, refused):
    where = {"Bucket": "box", "Key": "k"}
    mine = where | {"UploadId": s3.create_multipart_upload(**where, **MODES["customer"])["UploadId"], "PartNumber": 1}
    plain = where | {"UploadId": s3.create_multipart_upload(**where)["UploadId"], "PartNumber": 1}

    assert refused(s3.upload_part, **mine) == ("InvalidRequest", 400)
    assert refused(s3.upload_part, **mine, **customer(OTHER)) == ("InvalidRequest", 400)
    assert refused(s3.upload_part, **plain, **customer()) == ("InvalidRequest", 400)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (customer(algorithm="AES128"), "InvalidEncryptionAlgorithmError"),
        (customer(digest="AAAAAAAAAAAAAAAAAAAAAA=="), "InvalidArgument"),
        (customer(b"short"), "InvalidArgument"),
        ({"SSECustomerAlgorithm": "AES256"}, "InvalidArgument"),
        ({name: value for name, value in customer().items() if name != "SSECustomerAlgorithm"}, "InvalidArgument"),
        (customer() | {"ServerSideEncryption": "AES256"}, "InvalidArgument"),
        ({"ServerSideEncryption": "aws:fsx"}, "InvalidArgument"),
        ({"ServerSideEncryption": "ROT13"}, "InvalidArgument"),
        ({"ServerSideEncryption": "AES256", "SSEKMSKeyId": "k"}, "InvalidArgument"),
        ({"SSEKMSKeyId": "k"}, "InvalidArgument"),
    ],
)
def test_headers_that_do_not_go_together_are_refused(s3, refused, headers, code):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    assert refused(s3.put_object, Bucket="box", Key="k", **headers) == (code, 400)
    assert refused(s3.create_multipart_upload, Bucket="box", Key="k", **headers) == (code, 400)


def test_a_customer_s_key_does_not_come_in_the_clear(s3, lone, monkeypatch):
    """Over a socket without TLS it is refused; see wish.py for the rule."""
    http = lone.call("000000000000").http
    assert not http.secure and not http.inside

    with pytest.raises(AwsError, match="must be made over a secure connection"):
        customer_key(lone.call("000000000000"), customer())


def test_a_new_bucket_takes_no_customer_s_keys_until_it_is_told_to(s3, lone, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html"""
    s3.create_bucket(Bucket="new")
    where = {"Bucket": "new", "Key": "k"}

    (rule,) = s3.get_bucket_encryption(Bucket="new")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    assert refused(s3.put_object, **where, **MODES["customer"]) == ("AccessDenied", 403)
    assert refused(s3.create_multipart_upload, **where, **MODES["customer"]) == ("AccessDenied", 403)
    s3.delete_bucket_encryption(Bucket="new")
    assert refused(s3.put_object, **where, **MODES["customer"]) == ("AccessDenied", 403)


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
