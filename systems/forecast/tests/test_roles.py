"""The deployer's keys, of which each lasts an hour: longer runs get new ones."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import roles
from botocore.exceptions import ClientError


class Sts:
    """Answers with keys that last so many seconds; refuses so often first, as AWS does for a new role."""

    def __init__(self, *seconds, refusals=0):
        self.seconds, self.asked, self.refusals = list(seconds), 0, refusals

    def assume_role(self, RoleArn, RoleSessionName):
        if self.refusals:
            self.refusals -= 1
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")
        self.asked += 1
        expires = datetime.now(UTC) + timedelta(seconds=self.seconds.pop(0))
        keys = {"AccessKeyId": f"key-{self.asked}", "SecretAccessKey": "secret", "SessionToken": "token"}
        return {"Credentials": keys | {"Expiration": expires}}


def session(sts):
    return roles.become(SimpleNamespace(client=lambda _: sts, region_name="eu-west-1"), "arn:aws:iam::1:role/forecast")


def test_keys_that_are_about_to_expire_are_renewed():
    sts = Sts(60, 3600)
    own = session(sts)

    assert own.region_name == "eu-west-1" and sts.asked == 1
    assert own.get_credentials().get_frozen_credentials().access_key == "key-2"
    assert own.get_credentials().get_frozen_credentials().access_key == "key-2" and sts.asked == 2


def test_a_role_that_is_not_known_yet_is_waited_for(monkeypatch):
    monkeypatch.setattr(roles.time, "sleep", lambda seconds: None)
    assert session(Sts(3600, refusals=2)).get_credentials().access_key == "key-1"
