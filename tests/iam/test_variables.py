"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""

import pytest
from iam.asking import *

NAMED = {"aws:username": ["ann"], "aws:principaltag/team": ["yellow"], "aws:empty": [""], "aws:two": ["a", "b"]}
B = "arn:aws:s3:::bucket-"


@pytest.mark.parametrize(
    "written, asked, expected",
    [
        ("${aws:username}", "ann", True),
        ("${AWS:UserName}", "ann", True),
        ("${aws:username}/*", "ann/x", True),
        ("${aws:username}/*", "anna/x", False),
        ("${aws:username}", "${aws:username}", False),
        ("${aws:PrincipalTag/team, 'company-wide'}", "yellow", True),
        ("${aws:PrincipalTag/team, 'company-wide'}", "company-wide", False),
        ("${aws:PrincipalTag/none, 'company-wide'}", "company-wide", True),
        ("${aws:PrincipalTag/none,'company-wide'}", "company-wide", True),
        ("${aws:empty, 'default'}", "default", True),
        ("${aws:two, 'default'}", "default", False),
        ("${aws:two}", "a", False),
        ("${aws:none}", "", False),
        ("${aws:none}*", "x", False),
        ("${*}", "*", True),
        ("${*}", "x", False),
        ("${?}", "?", True),
        ("${?}", "x", False),
        ("${$}", "$", True),
        ("${$}{aws:username}", "${aws:username}", True),
        ("a${*}b*", "a*bc", True),
        ("a${*}b*", "axbc", False),
        ("${aws:username}-${aws:PrincipalTag/team}", "ann-yellow", True),
        ("${unclosed", "${unclosed", True),
    ],
)
def test_a_variable_stands_for_its_value_in_resources_and_conditions(written, asked, expected):
    assert allowed({"Resource": B + written}, on=B + asked, context=NAMED) is expected
    assert allowed({"NotResource": B + written}, on=B + asked, context=NAMED) is not expected
    for operator in ("StringLike", "ForAnyValue:StringLike", "ArnLike"):
        condition = {operator: {"aws:asked": B + written}}
        assert allowed({"Condition": condition}, context=NAMED | {"aws:asked": [B + asked]}) is expected
    condition = {"StringNotLike": {"aws:asked": B + written}}
    assert allowed({"Condition": condition}, context=NAMED | {"aws:asked": [B + asked]}) is not expected


@pytest.mark.parametrize("operator", ["StringEquals", "StringEqualsIgnoreCase", "StringLike"])
def test_a_key_is_compared_with_another(operator):
    condition = {operator: {"s3:ExistingObjectTag/Team": "${aws:PrincipalTag/Team}"}}
    same = {"s3:existingobjecttag/team": ["yellow"]} | NAMED
    assert allowed({"Condition": condition}, context=same)
    assert not allowed({"Condition": condition}, context=same | {"s3:existingobjecttag/team": ["blue"]})
    assert not allowed({"Condition": condition}, context={"s3:existingobjecttag/team": [""]})


def test_a_variable_without_value_is_equal_to_nothing():
    """#policy-vars-no-value, with its example: who has no team is denied."""
    unlike = {"StringNotEquals": {"s3:ExistingObjectTag/Team": "${aws:PrincipalTag/Team}"}}
    statements = [{}, {"Effect": "Deny", "Condition": unlike}]
    tagged = {"s3:existingobjecttag/team": ["yellow"]}
    assert allowed(*statements, context=tagged | NAMED)
    assert not allowed(*statements, context=tagged)


@pytest.mark.parametrize("version", ["2008-10-17", None])
def test_older_policies_have_no_variables(version):
    """reference_policies_elements_version.html: without a version it is 2008-10-17."""
    made = parse(document({"Resource": B + "${aws:username}*"}).replace("2012-10-17", version or "2008-10-17"))
    assert ask(on=B + "${aws:username}/x", identity=(made,), context=NAMED).allowed
    assert not ask(on=B + "ann", identity=(made,), context=NAMED).allowed


@pytest.mark.parametrize("name", ["*", "?nn", "a*"])
def test_a_value_is_no_wildcard(name):
    """Or a caller could name himself into what is another's."""
    home = {"Resource": B + "${aws:username}/*"}
    assert not allowed(home, on=B + "ann/x", context={"aws:username": [name]})
    assert allowed(home, on=B + f"{name}/x", context={"aws:username": [name]})
    like = {"Condition": {"StringLike": {"s3:prefix": "home/${aws:username}/*"}}}
    assert not allowed(like, context={"aws:username": [name], "s3:prefix": ["home/ann/x"]})
    assert allowed(like, context={"aws:username": [name], "s3:prefix": [f"home/{name}/x"]})


@pytest.mark.parametrize("text", ["arn:aws:sqs:${aws:region}:1:q", "arn:aws:s3:${aws:x}::b", "${aws:x}"])
def test_a_variable_before_the_fifth_colon_stands_for_nothing(text):
    """#policy-vars-resourceelement"""
    filled = text.replace("${aws:region}", "eu").replace("${aws:x}", "arn:aws:s3:::b")
    assert not allowed({"Resource": text}, on=filled, context={"aws:region": ["eu"], "aws:x": ["arn:aws:s3:::b"]})


def test_numbers_dates_and_addresses_have_no_variables():
    with pytest.raises(ValueError):
        policy({"Condition": {"NumericEquals": {"a": "${aws:x}"}}})
    truth = policy({"Condition": {"Bool": {"aws:SecureTransport": "${aws:x}"}}})
    assert ask(identity=(truth,), context={"aws:x": ["true"], "aws:securetransport": ["true"]}).allowed


def test_a_policy_knows_which_keys_it_asks_for():
    conditions = {"StringEquals": {"aws:PrincipalTag/Team": "${aws:RequestTag/Team}", "s3:Prefix": "x"}}
    made = policy({"Resource": B + "${aws:username}/${*}", "Condition": conditions}, {"Condition": conditions})
    assert made.keys == ["aws:PrincipalTag/Team", "aws:RequestTag/Team", "s3:Prefix", "aws:username"]
