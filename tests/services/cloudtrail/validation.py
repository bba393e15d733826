"""What `aws cloudtrail validate-logs` checks, in fifty lines: from the newest digest back along the chain.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-custom-validation.html
"""

import base64
import gzip
import hashlib
import json

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding


def validate(s3, keys, bucket, prefix="AWSLogs/000000000000/CloudTrail-Digest/us-east-1/"):
    """(digests that are valid, log files that are valid, [what is wrong]). keys: ListPublicKeys's."""
    public = {each["Fingerprint"]: _loaded(each["Value"]) for each in keys}
    listed = sorted(each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"])
    digests, logs, wrong = [], [], []
    key = listed[-1]
    while key:
        try:
            digest = _digest(s3, bucket, key, public)
        except (ClientError, ValueError, OSError, InvalidSignature) as problem:
            wrong.append(f"digest {key}: {type(problem).__name__}")
            key = max((each for each in listed if each < key), default=None)
            continue
        digests.append(key)
        for file in digest["logFiles"]:
            problem = _log_problem(s3, file)
            wrong.append(f"log {file['s3Object']}: {problem}") if problem else logs.append(file["s3Object"])
        key = digest["previousDigestS3Object"]
    return digests, logs, wrong


def _loaded(pkcs1):
    pem = b"-----BEGIN RSA PUBLIC KEY-----\n" + base64.encodebytes(pkcs1) + b"-----END RSA PUBLIC KEY-----\n"
    return serialization.load_pem_public_key(pem)


def _digest(s3, bucket, key, public):
    found = s3.get_object(Bucket=bucket, Key=key)
    text = gzip.decompress(found["Body"].read())
    digest = json.loads(text)
    if (digest["digestS3Bucket"], digest["digestS3Object"]) != (bucket, key):
        raise ValueError("moved")
    signed = "\n".join(
        (
            digest["digestEndTime"],
            f"{bucket}/{key}",
            hashlib.sha256(text).hexdigest(),
            digest["previousDigestSignature"] or "null",
        )
    )
    signature = bytes.fromhex(found["Metadata"]["signature"])
    key_of = public[digest["digestPublicKeyFingerprint"]]
    key_of.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return digest


def _log_problem(s3, file):
    try:
        body = s3.get_object(Bucket=file["s3Bucket"], Key=file["s3Object"])["Body"].read()
    except ClientError:
        return "not found"
    return None if hashlib.sha256(gzip.decompress(body)).hexdigest() == file["hashValue"] else "changed"
