"""What depends on who calls, beyond the one identity that the other tests have."""

from datetime import timedelta

import pytest

from skylab.kernel import credentials
from skylab.kernel.clock import CountingIds, TestClock
from skylab.kernel.key import Key
from skylab.kernel.store import Store
from skylab.services.call import Call, Principal
from skylab.services.iam.roles import role
from skylab.services.iam.users import Users
from skylab.services.sts.sessions import Sessions
from skylab.settings import Settings
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest

ACCOUNT = "123456789012"
ROOT = {"arn": f"arn:aws:iam::{ACCOUNT}:root", "id": ACCOUNT, "account": ACCOUNT, "type": "Root"}
ANN = {"arn": f"arn:aws:iam::{ACCOUNT}:user/ann", "id": "AIDAANN", "account": ACCOUNT, "type": "IAMUser"}
ROLE = Key(ACCOUNT, "", "iam", "role", "Trainer")
TRUST = f'{{"Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{ACCOUNT}"}}, "Action": "sts:AssumeRole"}}}}'


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "state.db")
    yield store
    store.close()


def as_user(store, who):
    """A call signed with a long-term key of who."""
    now = TestClock().now()
    with store.writing() as tx:
        key = credentials.issue_long_term(tx, who, who["id"], now)["AccessKeyId"]
    principal = Principal(**who, access_key=key)
    http = HttpRequest("POST", "/", "", {})
    return Call(
        store,
        CountingIds(),
        Settings(),
        "sts",
        ACCOUNT,
        "us-east-1",
        now,
        principal,
        "request",
        http,
        {},
        lambda service, region, principal: None,
    )


@pytest.mark.parametrize("who, hours", [(ANN, 12), (ROOT, 1)])
def test_a_session_token_speaks_for_the_same_caller(store, who, hours):
    call = as_user(store, who)
    given = Sessions().get_session_token(call, {})["Credentials"]
    assert given["Expiration"] == call.now + timedelta(hours=hours)
    with store.reading() as tx:
        found = credentials.find(tx, given["AccessKeyId"])
    assert (found.principal, found.owner) == (who, who["id"])


def test_a_user_may_stay_in_a_role_as_long_as_the_role_allows(store):
    call = as_user(store, ANN)
    with store.writing() as tx:
        doc = role(ROLE, call.now, {"AssumeRolePolicyDocument": TRUST, "MaxSessionDuration": 7200})
        tx.create(ROLE, doc, call.now)
    request = {"RoleArn": doc["Arn"], "RoleSessionName": "ann", "DurationSeconds": 7200}
    given = Sessions().assume_role(call, request)["Credentials"]
    with store.reading() as tx:
        found = credentials.find(tx, given["AccessKeyId"])
    assert found.expires == call.now + timedelta(hours=2)


def test_root_assumes_no_role(store):
    with pytest.raises(AwsError, match="Roles may not be assumed by root accounts."):
        Sessions().assume_role(
            as_user(store, ROOT), {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/Trainer", "RoleSessionName": "r"}
        )


def test_a_caller_can_ask_for_itself(store):
    assert Users().get_user(as_user(store, ROOT), {}) == {"User": {"UserId": ACCOUNT, "Arn": ROOT["arn"]}}
    call = as_user(store, ANN)
    Users().create_user(call, {"UserName": "ann"})
    assert Users().get_user(call, {})["User"]["Arn"] == ANN["arn"]
