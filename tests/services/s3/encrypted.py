"""Objects in every mode of encryption: how they are asked for, written and read."""

import pytest

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
