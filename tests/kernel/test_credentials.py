from datetime import UTC, datetime, timedelta

import pytest

from skylab.kernel import credentials
from skylab.kernel.store import Missing, Store

NOW = datetime(2025, 1, 1, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/service-role/Trainer"


@pytest.fixture
def tx(tmp_path):
    store = Store(tmp_path / "state.db")
    with store.writing() as tx:
        yield tx
    store.close()


def session(tx, hours=1):
    return credentials.issue_session(tx, ROLE, "AROAX", "job", NOW, NOW + timedelta(hours=hours))


def test_a_session_speaks_for_its_role(tx):
    given = session(tx)
    found = credentials.find(tx, given["AccessKeyId"])
    assert found.principal == {
        "arn": "arn:aws:sts::123456789012:assumed-role/Trainer/job",
        "id": "AROAX:job",
        "account": "123456789012",
        "role": ROLE,
    }
    assert (found.secret, found.token, found.expires) == (
        given["SecretAccessKey"],
        given["SessionToken"],
        given["Expiration"],
    )


def test_key_ids_look_like_awss_and_carry_their_account(tx):
    key = session(tx)["AccessKeyId"]
    assert len(key) == 20 and key.startswith("ASIA") and set(key[4:]) <= set(credentials.ALPHABET)
    assert credentials.account_of(key) == "123456789012"
    assert credentials.account_of(credentials.key_id("AKIA", "000000000000")) == "000000000000"
    assert len(credentials.unique_id("AROA")) == 21


def test_the_account_is_read_from_a_key_of_aws_itself():
    """The key and account are a published pair: Tal Be'ery, "A short note on AWS KEY ID", 2023."""
    assert credentials.account_of("ASIAQNZGKIQY56JQ7WML") == "029608264753"


def test_a_session_is_moved_on_and_ends_when_it_is_purged(tx):
    key = session(tx)["AccessKeyId"]
    credentials.extend(tx, key, NOW + timedelta(hours=5))
    assert credentials.purge(tx, NOW + timedelta(hours=5)) == 0
    assert credentials.purge(tx, NOW + timedelta(hours=6)) == 1
    assert credentials.find(tx, key) is None


def test_long_term_keys_outlive_every_purge_and_belong_to_their_owner(tx):
    principal = {"arn": "arn:aws:iam::123456789012:user/ann", "id": "AIDAX", "account": "123456789012"}
    key = credentials.issue_long_term(tx, principal, "AIDAX", NOW)["AccessKeyId"]
    credentials.purge(tx, NOW + timedelta(days=9999))
    credentials.activate(tx, key, False)
    assert [(c.access_key, c.active, c.token) for c in credentials.owned(tx, "AIDAX")] == [(key, False, None)]


def test_what_is_revoked_is_gone_and_what_is_unknown_is_missing(tx):
    key = session(tx)["AccessKeyId"]
    credentials.revoke(tx, key)
    for act in (lambda: credentials.revoke(tx, key), lambda: credentials.extend(tx, key, NOW)):
        with pytest.raises(Missing):
            act()
