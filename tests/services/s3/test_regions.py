"""A bucket asked for in another region than its own: S3 says which one is right, and clients sign again.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import pytest

from skylab.wire.errors import AwsError


@pytest.fixture
def there(lone):
    client = lone.client("eu-west-1")
    client.create_bucket(Bucket="there", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client.put_object(Bucket="there", Key="k", Body=b"content")
    return client


def test_a_client_finds_the_region_by_itself(lone, there):
    assert lone.client().get_object(Bucket="there", Key="k")["Body"].read() == b"content"
    assert lone.client().head_object(Bucket="there", Key="k")["ContentLength"] == 7
    lone.client().put_object(Bucket="there", Key="new", Body=b"x")
    assert lone.client().head_bucket(Bucket="there")["BucketRegion"] == "eu-west-1"
    assert lone.client().get_bucket_location(Bucket="there")["LocationConstraint"] == "eu-west-1"


def test_the_error_names_the_region(lone, there):
    with pytest.raises(AwsError) as error:
        lone.perform("ListObjectsV2", {"Bucket": "there"})

    assert (error.value.code, error.value.members["Region"]) == ("AuthorizationHeaderMalformed", "eu-west-1")
    assert error.value.headers == {"x-amz-bucket-region": "eu-west-1"}
    assert error.value.message == (
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"
    )
