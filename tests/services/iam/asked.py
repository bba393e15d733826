"""A client of IAM, and the words that it refuses with."""

import pytest
from botocore.exceptions import ClientError
from conftest import connect

ACCOUNT = "000000000000"


@pytest.fixture
def iam(cloud):
    return connect(cloud, "iam")


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]
