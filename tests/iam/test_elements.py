"""Action, Resource and Principal, with their Nots, as tables. Pages, all under
https://docs.aws.amazon.com/IAM/latest/UserGuide/: reference_policies_elements_{action,notaction,resource,notresource,
principal,notprincipal}.html
"""

import pytest
from iam.asking import *

from skylab.policy.decision import Reason


@pytest.mark.parametrize(
    "actions, asked, expected",
    [
        ("s3:GetObject", "s3:GetObject", True),
        ("S3:getobject", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:*Object", "s3:GetObject", True),
        ("s3:?etObject", "s3:GetObject", True),
        ("s3:*", "s3:GetObject", True),
        ("*", "s3:GetObject", True),
        ("*:*", "s3:GetObject", True),
        ("*:GetObject", "s3:GetObject", True),
        (["sqs:*", "s3:Get*"], "s3:GetObject", True),
        ("iam:*AccessKey*", "iam:CreateAccessKey", True),
        ("s3:GetObject", "s3:GetObjectAcl", False),
        ("s3:Get", "s3:GetObject", False),
        ("s3:get?", "s3:GetObject", False),
        ("s3-object-lambda:*", "s3:GetObject", False),
        ("sqs:*", "s3:GetObject", False),
    ],
)
def test_actions(actions, asked, expected):
    assert allowed({"Action": actions}, action=asked) is expected
    assert allowed({"NotAction": actions}, action=asked) is not expected
    assert allowed({}, {"Effect": "Deny", "NotAction": actions}, action=asked) is expected


@pytest.mark.parametrize(
    "resources, asked, expected",
    [
        ("*", "arn:aws:s3:::bucket/key", True),
        ("*", "*", True),
        ("arn:aws:s3:::bucket/*", "*", False),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/a/b", True),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket", False),
        ("arn:aws:s3:::bucket", "arn:aws:s3:::Bucket", False),
        ("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/2/test/3/object.jpg", True),
        ("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket//test/object.jpg", True),
        ("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1/test/", True),
        ("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/1-test/object.jpg", False),
        ("arn:aws:s3:::bucket/*/test/*", "arn:aws:s3:::bucket/test/object.jpg", False),
        ("arn:aws:s3:::bucket?", "arn:aws:s3:::bucket1", True),
        ("arn:aws:logs:*:*:log-group:a:*", "arn:aws:logs:eu-west-1:1:log-group:a:log-stream:x", True),
        ("arn:aws:logs:*:log-group:a", "arn:aws:logs:eu-west-1:1:log-group:a", False),
        ("arn:aws:iam::*:role/x", "arn:aws:iam::1:policy/x:role/x", False),
        ("arn:aws:sqs", "arn:aws:sqs:eu-west-1:1:queue", True),
        ("arn:aws:sqs", "arn:aws:sns:eu-west-1:1:queue", False),
        ("arn:*:s3:::bucket", "arn:aws:s3:::bucket", True),
        (["arn:aws:s3:::a", "arn:aws:s3:::b*"], "arn:aws:s3:::bucket", True),
    ],
)
def test_resources(resources, asked, expected):
    assert allowed({"Resource": resources}, on=asked) is expected
    assert allowed({"NotResource": resources}, on=asked) is not expected
    assert allowed({}, {"Effect": "Deny", "NotResource": resources}, on=asked) is expected


WEB = Who("", federated="accounts.google.com")
CANONICAL = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"


@pytest.mark.parametrize(
    "who, principal, expected",
    [
        (USER, "*", True),
        (USER, {"AWS": "*"}, True),
        (USER, {"AWS": ["*"]}, True),
        (USER, {"AWS": ANN}, True),
        (USER, {"AWS": [ROLE, ANN]}, True),
        (USER, {"AWS": ROLE}, False),
        (USER, {"Service": "cloudtrail.amazonaws.com"}, False),
        (USER, {"Federated": "", "CanonicalUser": ""}, False),
        (Who(HERE, USER.arns | {"AIDAEXAMPLEEXAMPLE123"}), {"AWS": "AIDAEXAMPLEEXAMPLE123"}, True),
        (Who(HERE, USER.arns | {CANONICAL}), {"CanonicalUser": CANONICAL}, True),
        (ROLE_SESSION, {"AWS": ROLE}, True),
        (ROLE_SESSION, {"AWS": SESSION}, True),
        (ROLE_SESSION, {"AWS": SESSION + "2"}, False),
        (ANONYMOUS, "*", True),
        (ANONYMOUS, {"AWS": HERE}, False),
        (TRAIL, {"Service": ["sqs.amazonaws.com", "cloudtrail.amazonaws.com"]}, True),
        (TRAIL, {"AWS": HERE, "Service": "sqs.amazonaws.com"}, False),
        (WEB, {"Federated": "accounts.google.com"}, True),
        (WEB, {"Federated": "www.amazon.com"}, False),
        (WEB, "*", False),
        (Who(HERE, federated="accounts.google.com"), {"AWS": HERE}, False),
        (Who(HERE, service="sqs.amazonaws.com"), {"AWS": [HERE, ROOT]}, False),
        (Who(HERE), {"AWS": HERE}, False),
    ],
)
def test_principals(who, principal, expected):
    assert ask(who, resource=policy({"Principal": principal})).allowed is expected


@pytest.mark.parametrize(
    "who, spared, denied",
    [
        (USER, [ANN, ROOT], False),
        (USER, [ANN, HERE], False),
        (USER, [ANN], True),
        (USER, [ROOT], True),
        (USER, [ANN, THERE], True),
        (USER, "*", False),
        (ROLE_SESSION, [SESSION, ROLE, ROOT], False),
        (ROLE_SESSION, [ROLE, ROOT], True),
        (ROLE_SESSION, [SESSION, ROOT], True),
        (ROLE_SESSION, [SESSION, ROLE], True),
        (ROOT_USER, [ROOT], False),
        (ROOT_USER, [ANN], True),
        (ANONYMOUS, [ANN, ROOT], True),
        (Who(HERE), [ROOT], True),
        (TRAIL, [ANN, ROOT], True),
    ],
)
def test_a_deny_but_for_somebody_spares_whom_it_names_with_role_and_account(who, spared, denied):
    """reference_policies_elements_notprincipal.html#specifying-notprincipal"""
    open_to_all = {"Principal": {"AWS": "*", "Service": "cloudtrail.amazonaws.com"}}
    found = ask(who, resource=policy(open_to_all, {"Effect": "Deny", "NotPrincipal": {"AWS": spared}}), identity=(ALL,))
    assert (found.reason is Reason.EXPLICIT_DENY_RESOURCE) is denied


def test_an_allow_but_for_somebody_is_for_all_others():
    """reference_policies_elements_notprincipal.html#specifying-notprincipal-allow"""
    others = policy({"NotPrincipal": {"AWS": ANN}})
    assert not ask(USER, resource=others).allowed
    assert ask(ROLE_SESSION, resource=others).allowed and ask(ANONYMOUS, resource=others).allowed
    assert not ask(TRAIL, resource=others).allowed


def test_a_resources_policy_without_resource_is_about_its_own():
    text = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish"}}'
    assert ask(action="sns:Publish", on="arn:aws:sns:eu-west-1:1:t", resource=parse(text)).allowed
