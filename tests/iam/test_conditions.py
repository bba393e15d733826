"""Every condition operator, as tables: the policy's values, the request's, whether the condition holds.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import pytest
from iam.asking import *

from skylab.policy.document import Malformed

OPPOSITE = {
    "StringEquals": "StringNotEquals",
    "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
    "StringLike": "StringNotLike",
    "NumericEquals": "NumericNotEquals",
    "DateEquals": "DateNotEquals",
    "IpAddress": "NotIpAddress",
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
}
TOPIC = "arn:aws:sns:eu-west-1:111122223333:topic"
STORE = "arn:aws:some:us-east-2:999999999999:store/abc:111122223333:finance/doc.txt"


def holds(operator, wanted, *values, key="aws:key", **more):
    context = more or ({key.lower(): list(values)} if values else {})
    return allowed({"Condition": {operator: {key: wanted}}}, context=context)


@pytest.mark.parametrize(
    "operator, wanted, value, expected",
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", ["b", "a"], "a", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "", "", True),
        ("StringEquals", [], "a", False),
        ("StringEquals", 7, "7", True),
        ("StringEquals", True, "true", True),
        ("StringEqualsIgnoreCase", "JohnDoe", "johndoe", True),
        ("StringEqualsIgnoreCase", "JohnDoe", "johndo", False),
        ("StringLike", "home/*", "home/ann/x", True),
        ("StringLike", "home/?", "home/ab", False),
        ("StringLike", ["", "home/"], "", True),
        ("StringLike", "a*b?c", "axxbyc", True),
        ("StringLike", "A*", "ab", False),
        ("StringLike", "*", "", True),
        ("NumericEquals", "10", "10.0", True),
        ("NumericEquals", 10, "11", False),
        ("NumericEquals", 10, "ten", False),
        ("NumericLessThan", "10", "9.99", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThan", ["1", "10"], "5", True),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericLessThanEquals", "10", "9" * 40, False),
        ("NumericGreaterThan", "10", "10", False),
        ("NumericGreaterThan", "-3", "-2", True),
        ("NumericGreaterThanEquals", "10", "1e1", True),
        ("DateEquals", "2020-01-01T00:00:00Z", "1577836800", True),
        ("DateEquals", "2020-01-01", "2020-01-01T01:00:00+01:00", True),
        ("DateEquals", "2020", "2020-01-01T00:00:00.000Z", True),
        ("DateEquals", "2020-01-01T00:00:00.5Z", "1577836800.5", True),
        ("DateEquals", "1577836800", "yesterday", False),
        ("DateLessThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:00Z", True),
        ("DateLessThan", "2020-01-01T00:00Z", "2020-01-01T00:00:00Z", False),
        ("DateLessThanEquals", "2020-01-01T00:00Z", "2020-01-01T00:00:00Z", True),
        ("DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:00Z", False),
        ("DateGreaterThan", "-292275054", "1969-01-01T00:00:00Z", True),
        ("DateGreaterThanEquals", "2016-12-13t02:00:00.593194+23", "2016-12-12T03:00:00.593194Z", True),
        ("Bool", "true", "true", True),
        ("Bool", True, "True", True),
        ("Bool", "false", "true", False),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ6", False),
        ("BinaryEquals", "QmluYXJ5", "not base64!", False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.9", True),
        ("IpAddress", "203.0.113.0/24", "203.0.114.9", False),
        ("IpAddress", "203.0.113.7", "203.0.113.7", True),
        ("IpAddress", "203.0.113.7/24", "203.0.113.1", True),
        ("IpAddress", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::1", True),
        ("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5679::1", False),
        ("IpAddress", "203.0.113.0/24", "::ffff:203.0.113.9", True),
        ("IpAddress", "0.0.0.0/0", "localhost", False),
        ("IpAddress", "0.0.0.0/0", "::1", False),
        ("ArnEquals", "arn:aws:sns:*:111122223333:*", TOPIC, True),
        ("ArnEquals", TOPIC, TOPIC, True),
        ("ArnEquals", TOPIC, TOPIC.upper(), False),
        ("ArnLike", "arn:aws:some:*:111122223333:finance/*", STORE, False),
        ("StringLike", "arn:aws:some:*:111122223333:finance/*", STORE, True),
        ("ArnLike", "arn:aws:some:*:*:store/*:finance/*", STORE, True),
        ("ArnLike", "arn:aws:*", TOPIC, False),
        ("ArnLike", "*", TOPIC, True),
        ("ArnLike", "*", "no arn", False),
    ],
)
def test_an_operator_compares_as_its_page_says(operator, wanted, value, expected):
    assert holds(operator, wanted, value) is expected
    assert holds(operator + "IfExists", wanted, value) is expected
    assert holds(operator.upper(), wanted, value) is expected
    assert holds(f"ForAnyValue:{operator}", wanted, value) is (expected and value != "")
    assert holds(f"ForAllValues:{operator}", wanted, value) is (expected or value == "")
    if negated := OPPOSITE.get(operator):
        assert holds(negated, wanted, value) is not expected
        assert holds(negated + "IfExists", wanted, value) is not expected


@pytest.mark.parametrize(
    "operator, expected",
    [(name, False) for name in [*OPPOSITE, "Bool", "NumericLessThan", "DateGreaterThan"]]
    + [(name, True) for name in OPPOSITE.values()]
    + [(f"{name}IfExists", True) for name in [*OPPOSITE, *OPPOSITE.values(), "Bool"]]
    + [(f"ForAllValues:{name}", True) for name in [*OPPOSITE, *OPPOSITE.values()]]
    + [(f"ForAnyValue:{name}", False) for name in [*OPPOSITE, *OPPOSITE.values()]]
    + [("ForAnyValue:StringEqualsIfExists", True), ("ForAnyValue:StringNotEqualsIfExists", True)],
)
def test_an_absent_key_matches_nothing(operator, expected):
    """So that a negated condition holds, ForAllValues does and ForAnyValue does not, and IfExists always does."""
    wanted = {"Ip": "10.0.0.0/8", "No": "10.0.0.0/8", "Nu": 1, "Da": "2020-01-01"}.get(operator.split(":")[-1][:2], "a")
    assert holds(operator, wanted) is expected


@pytest.mark.parametrize(
    "values, null",
    [((), True), (("a",), False), (("",), True), (("", "a"), False)],
)
def test_null_asks_whether_a_key_is_absent(values, null):
    """An empty text is null: reference_policies_elements_condition.html#AccessPolicyLanguage_RequestContext"""
    assert holds("Null", "true", *values) is null
    assert holds("Null", "false", *values) is not null
    assert holds("null", True, *values) is null
    assert holds("Null", ["true", "false"], *values)


@pytest.mark.parametrize(
    "operator, wanted, values, expected",
    [
        ("ForAllValues:StringEquals", ["PostDateTime", "Message", "Tags"], ["PostDateTime", "UserName"], False),
        ("ForAllValues:StringEquals", ["PostDateTime", "Message", "Tags"], ["PostDateTime", "Tags"], True),
        ("ForAllValues:StringEquals", ["a"], [], True),
        ("ForAllValues:StringLike", ["cost*"], ["cost1", "cost2"], True),
        ("ForAllValues:StringNotEquals", ["a"], ["b", "c"], True),
        ("ForAllValues:StringNotEquals", ["a"], ["b", "a"], False),
        ("ForAnyValue:StringEquals", ["ID", "PostDateTime"], ["UserName", "Message", "PostDateTime"], True),
        ("ForAnyValue:StringEquals", ["ID", "PostDateTime"], ["UserName"], False),
        ("ForAnyValue:StringEquals", ["a"], [], False),
        ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
        ("ForAnyValue:StringNotEquals", ["a"], ["a"], False),
        ("forallvalues:stringequals", ["a"], ["a"], True),
        ("ForAllValues:ArnLike", ["arn:aws:sns:*:*:*"], [TOPIC], True),
        # without a set operator one match is enough, and a negated one must match none
        ("StringEquals", ["a"], ["a", "b"], True),
        ("StringNotEquals", ["a"], ["a", "b"], False),
        ("StringNotEquals", ["a", "c"], ["b"], True),
        ("StringNotEquals", ["a", "b"], ["b"], False),
    ],
)
def test_keys_of_many_values(operator, wanted, values, expected):
    """reference_policies_condition-single-vs-multi-valued-context-keys.html, with its own examples."""
    assert holds(operator, wanted, *values) is expected


def test_all_keys_and_all_operators_must_hold():
    """reference_policies_condition-logic-multiple-context-keys-or-values.html"""
    condition = {
        "StringEquals": {"aws:PrincipalTag/department": ["finance", "hr"], "aws:PrincipalTag/role": ["audit"]},
        "NumericLessThan": {"s3:max-keys": 10},
    }
    context = {"aws:principaltag/department": ["hr"], "aws:principaltag/role": ["audit"], "s3:max-keys": ["9"]}
    assert allowed({"Condition": condition}, context=context)
    for key in context:
        assert not allowed({"Condition": condition}, context=context | {key: ["99"]})
        assert not allowed({"Condition": condition}, context={each: context[each] for each in context if each != key})


@pytest.mark.parametrize("key", ["AWS:SOURCEIP", "aws:SourceIp", "aws:sourceip"])
def test_the_name_of_a_key_is_the_same_in_any_case(key):
    assert holds("IpAddress", "10.0.0.0/8", "10.1.2.3", key=key)


@pytest.mark.parametrize(
    "operator, wanted",
    [
        ("StringIs", "a"),
        ("NullIfExists", "true"),
        ("ForAnyValue::StringEquals", "a"),
        ("ForSomeValues:StringEquals", "a"),
        ("StringEquals", None),
        ("StringEquals", [["a"]]),
        ("StringEquals", {"a": "b"}),
        ("DateEquals", "sdfdsf"),
        ("DateEquals", "234-13"),
        ("DateEquals", "2020-13-01"),
        ("DateEquals", "9223372036854775808"),
        ("NumericEquals", "ten"),
        ("NumericEquals", "1e9999"),
        ("IpAddress", "10.0.0.0/33"),
        ("IpAddress", "localhost"),
        ("BinaryEquals", "not base64!"),
    ],
)
def test_an_operator_that_is_none_and_a_value_it_cannot_read_are_refused(operator, wanted):
    with pytest.raises(Malformed):
        holds(operator, wanted)
