"""A person of the account, what policies let them do, and how they hear of it."""

import json

import pytest
from botocore.exceptions import ClientError

from skylab.account import EXECUTION

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{EXECUTION}"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def deny(action, resource="*", **more):
    return allow(action, resource, **more) | {"Effect": "Deny"}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def client(cloud, service, key):
    config = {"s3": {"addressing_style": "path"}} if service == "s3" else {}
    given = key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken")
    return cloud.transport.client(service, "us-east-1", *given, **config)


def not_ours(attempt, **request):
    """It was allowed: there is nothing here that could do it."""
    with pytest.raises(ClientError) as error:
        attempt(**request)
    assert error.value.response["Error"]["Code"] == "NotImplemented"


class Person:
    """A user with one inline policy, and what its administrator may do."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.iam, self.box = (client(cloud, name, cloud.account.credentials()) for name in ("iam", "s3"))
        self.iam.create_user(UserName="ann")
        self.key = self.iam.create_access_key(UserName="ann")["AccessKey"]
        self.box.create_bucket(Bucket="box")
        self.box.put_object(Bucket="box", Key="k", Body=b"body")

    def may(self, *statements):
        self.iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=policy(*statements))
        return self

    def client(self, service):
        return client(self.cloud, service, self.key)


@pytest.fixture
def ann(cloud):
    return Person(cloud)


def denied(attempt, **request):
    """The message of a denial."""
    with pytest.raises(ClientError) as error:
        attempt(**request)
    said = error.value.response
    assert said["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "403"), said
    return said["Error"]["Message"]


def model(**members):
    return {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}} | members


def when(operator, key, value):
    return {"Condition": {operator: {key: value}}}
