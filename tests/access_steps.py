"""What the tests of S3's doors share: policies, and those who come to them."""

import json

from botocore import UNSIGNED

from skylab.kernel import credentials


def doc(who="*", **members):
    """A statement; a member that is None is left out."""
    statement = {"Effect": "Allow", "Principal": who, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"}
    return {name: value for name, value in (statement | members).items() if value is not None}


def policy(*statements, **members):
    return {"Version": "2012-10-17", "Statement": list(statements)} | members


OPEN = json.dumps(policy(doc()))


class People:
    """A user named eve of another account, with all of S3 in her own policy; and the root of the buckets' account."""

    account = "111122223333"

    def __init__(self, cloud):
        self.cloud = cloud
        who = {"arn": f"arn:aws:iam::{self.account}:root", "id": self.account, "account": self.account, "type": "Root"}
        with cloud.store.writing() as tx:
            self.iam = self._client("iam", credentials.issue_long_term(tx, who, "root", cloud.clock.now()))
        self.iam.create_user(UserName="eve")
        self.allow("s3:*")
        self.eve = self._client("s3", self.iam.create_access_key(UserName="eve")["AccessKey"])

    def allow(self, *actions):
        """The whole of what eve's own policy allows."""
        may = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        self.iam.put_user_policy(UserName="eve", PolicyName="own", PolicyDocument=json.dumps(policy(may)))

    def root(self):
        with self.cloud.store.reading() as tx:
            return self._client("s3", tx.get(self.cloud.account.key)["Root"])

    def _client(self, service, key):
        config = {"s3": {"addressing_style": "path"}, "signature_version": "s3v4"} if service == "s3" else {}
        keys = key["AccessKeyId"], key["SecretAccessKey"], None
        return self.cloud.transport.client(service, "us-east-1", *keys, **config)


def unsigned(cloud):
    config = {"signature_version": UNSIGNED, "s3": {"addressing_style": "path"}}
    return cloud.transport.client("s3", "us-east-1", "x", "x", None, **config)
