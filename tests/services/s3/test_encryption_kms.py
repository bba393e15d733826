"""What S3 asks KMS for: keys of objects, parts and buckets, under the context of the request."""

import base64
import json
from dataclasses import replace

import pytest
from services.s3.encrypted import MODES, PART, SECRET, body, uploaded

from skylab.kernel.store import load
from skylab.services.call import Principal
from skylab.services.s3 import wrapping


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
