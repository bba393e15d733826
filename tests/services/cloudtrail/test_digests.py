"""Digests of log files in a bucket: signed, chained, and what they show.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

import gzip
import hashlib
import json

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from services.cloudtrail.bucketed import objects
from services.cloudtrail.validation import validate


@pytest.fixture
def three_hours(cloud, logging, passes):
    """Three digests, with two log files in each."""
    iam = connect(cloud, "iam")
    for hour in range(3):
        for n in range(2):
            iam.create_user(UserName=f"user-{hour}-{n}")
            passes(seconds=61)
        passes(seconds=3500)
    return lambda: validate(connect(cloud, "s3"), logging.list_public_keys()["PublicKeyList"], "the-logs")


def test_digests_are_signed_and_chained(cloud, three_hours):
    digests, logs, wrong = three_hours()

    assert wrong == []
    assert sorted(digests) == objects(cloud, "CloudTrail-Digest") and len(digests) == 3
    assert sorted(logs) == objects(cloud, "CloudTrail") and len(logs) == 6


def test_a_digest_says_what_aws_documents(cloud, three_hours):
    key = objects(cloud, "CloudTrail-Digest")[1]
    digest = json.loads(gzip.decompress(connect(cloud, "s3").get_object(Bucket="the-logs", Key=key)["Body"].read()))

    assert set(digest) == {
        *("awsAccountId", "digestStartTime", "digestEndTime", "digestS3Bucket", "digestS3Object"),
        *("digestPublicKeyFingerprint", "digestSignatureAlgorithm", "newestEventTime", "oldestEventTime"),
        *("previousDigestS3Bucket", "previousDigestS3Object", "previousDigestHashValue"),
        *("previousDigestHashAlgorithm", "previousDigestSignature", "logFiles"),
    }
    assert set(digest["logFiles"][0]) == {
        *("s3Bucket", "s3Object", "hashValue", "hashAlgorithm", "newestEventTime", "oldestEventTime")
    }
    before = connect(cloud, "s3").get_object(Bucket="the-logs", Key=digest["previousDigestS3Object"])
    text = gzip.decompress(before["Body"].read())
    assert digest["previousDigestHashValue"] == hashlib.sha256(text).hexdigest()
    assert digest["previousDigestSignature"] == before["Metadata"]["signature"]
    assert digest["digestStartTime"] == json.loads(text)["digestEndTime"]


@pytest.mark.parametrize("part", ["CloudTrail", "CloudTrail-Digest"])
@pytest.mark.parametrize("how", ["changed", "deleted"])
def test_what_was_tampered_with_shows(cloud, three_hours, part, how):
    s3, key = connect(cloud, "s3"), objects(cloud, part)[1]
    if how == "deleted":
        s3.delete_object(Bucket="the-logs", Key=key)
    else:
        found = s3.get_object(Bucket="the-logs", Key=key)
        text = gzip.decompress(found["Body"].read()).replace(b"0", b"1", 1)
        s3.put_object(Bucket="the-logs", Key=key, Body=gzip.compress(text), Metadata=found["Metadata"])

    digests, logs, wrong = three_hours()

    if (part, how) == ("CloudTrail-Digest", "deleted"):
        assert wrong and key in wrong[0]
    else:
        assert len(wrong) == 1 and key in wrong[0]


def test_stopping_leaves_no_file_without_a_digest(cloud, logging, passes):
    connect(cloud, "iam").create_user(UserName="last")
    logging.stop_logging(Name="audit")
    for _ in range(4):
        passes(seconds=61)

    _, logs, wrong = validate(connect(cloud, "s3"), logging.list_public_keys()["PublicKeyList"], "the-logs")
    assert len(logs) == 1 and wrong == []
    with cloud.store.reading() as tx:
        assert [task for task in tx.tasks() if task.kind == "trail"] == []


def test_the_private_half_of_a_key_is_not_on_disk_in_the_clear(cloud, three_hours):
    with cloud.store.reading() as tx:
        (doc,) = tx.all("", "us-east-1", "cloudtrail", "signing-key")
    state = b"".join(path.read_bytes() for path in cloud.root.glob("state.db*"))

    assert doc["_"]["sealed"].encode() in state
    assert b"PRIVATE KEY" not in state and b"MIIE" not in state


def test_a_key_is_listed_for_the_time_it_is_valid(logging, passes, clock):
    passes(seconds=3700)
    made = clock.now().replace(microsecond=0)

    (key,) = logging.list_public_keys()["PublicKeyList"]
    assert key["ValidityStartTime"] == made
    assert len(key["Fingerprint"]) == 32 and hashlib.md5(key["Value"]).hexdigest() == key["Fingerprint"]
    with pytest.raises(ClientError, match="InvalidTimeRange"):
        logging.list_public_keys(StartTime=2, EndTime=1)
    assert logging.list_public_keys(StartTime=1, EndTime=2)["PublicKeyList"] == []
