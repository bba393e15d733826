import json

import pytest

from skylab.kernel.trust import trusts

ACCOUNT = "123456789012"
ANN = {"arn": f"arn:aws:iam::{ACCOUNT}:user/ann", "account": ACCOUNT}
SESSION = {
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Dev/s",
    "account": ACCOUNT,
    "role": f"arn:aws:iam::{ACCOUNT}:role/Dev",
}


def policy(*statements):
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow | each for each in statements]})


@pytest.mark.parametrize(
    "name", ["*", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ANN["arn"], ["arn:aws:iam::1:root", ANN["arn"]]]
)
def test_a_user_is_trusted_by_name_or_by_account(name):
    assert trusts(policy({"Principal": {"AWS": name}}), **ANN)


def test_a_session_is_trusted_as_itself_or_as_its_role():
    assert trusts(policy({"Principal": {"AWS": SESSION["arn"]}}), **SESSION)
    assert trusts(policy({"Principal": {"AWS": SESSION["role"]}}), **SESSION)
    assert not trusts(policy({"Principal": {"AWS": SESSION["role"] + "X"}}), **SESSION)


def test_a_service_is_trusted_only_by_its_name():
    trust = policy({"Principal": {"Service": ["sagemaker.amazonaws.com"]}})
    assert trusts(trust, service="sagemaker.amazonaws.com")
    assert not trusts(trust, service="lambda.amazonaws.com")
    assert not trusts(trust, **ANN)
    assert not trusts(policy({"Principal": "*"}), service="lambda.amazonaws.com")


def test_another_account_is_not_trusted():
    assert not trusts(policy({"Principal": {"AWS": "arn:aws:iam::999999999999:root"}}), **ANN)


def test_a_deny_counts_more_than_any_allow():
    everyone = {"Principal": "*"}
    assert trusts(policy(everyone), **ANN)
    assert not trusts(policy(everyone, {"Effect": "Deny", "Principal": {"AWS": ANN["arn"]}}), **ANN)


def test_conditions_fail_closed():
    limited = {"Principal": "*", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}
    assert not trusts(policy(limited), **ANN)
    assert not trusts(policy({"Principal": "*"}, limited | {"Effect": "Deny"}), **ANN)


def test_the_action_must_be_named():
    assert not trusts(policy({"Principal": "*", "Action": "sts:TagSession"}), **ANN)
    assert trusts(policy({"Principal": "*", "Action": ["sts:tag*", "STS:Assume*"]}), **ANN)
    assert not trusts(policy({"Principal": "*"}), **ANN, action="sts:TagSession")


def test_all_but_some_is_not_read_as_an_allow():
    trust = {"Effect": "Allow", "NotPrincipal": {"AWS": "x"}, "Action": "sts:AssumeRole"}
    assert not trusts(json.dumps({"Statement": trust}), **ANN)
