"""Customers' keys: only they open the object, and only as the headers may say."""

import base64
import hashlib

import pytest
from services.s3.encrypted import KEY, MODES, OTHER, SECRET

from skylab.services.s3.wish import customer_key
from skylab.wire.errors import AwsError


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
