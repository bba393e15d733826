"""What holds of every policy and every request."""

import json
import string

from hypothesis import given, settings
from hypothesis import strategies as st
from iam.asking import *

from skylab.kernel.wildcard import like
from skylab.policy.document import Malformed
from skylab.policy.operators import OPERATORS
from skylab.policy.variables import MANY, SINGLE

ACTIONS = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]
RESOURCES = ["*", "arn:aws:s3:::bucket/*", "arn:aws:s3:::${aws:username}/*", "arn:aws:*:*:*:bucket/key", OBJECT]
NAMES = [ANN, ROLE, SESSION, FEDERATED, ROOT, HERE, THERE, "*"]
CONDITIONS = [
    {"StringLike": {"aws:username": ["a*", "${aws:PrincipalTag/x, 'ann'}"]}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}},
    {"NumericLessThan": {"s3:max-keys": "10"}},
    {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"Null": {"aws:username": "true"}},
    {"DateGreaterThan": {"aws:CurrentTime": "2020"}},
]
KEYS = ["aws:username", "aws:principaltag/x", "aws:tagkeys", "s3:max-keys", "aws:sourceip", "aws:currenttime"]
WORDS = ["ann", "a", "10", "9", "10.1.2.3", "2026-01-01", "", "*", "${aws:username}", "\ud800"]

texts = st.text(alphabet=string.ascii_letters + "0123456789:/*?${}', .-+\"\\\0\u00e9\ud800\U0001f600", max_size=8)
contexts = st.dictionaries(st.sampled_from(KEYS), st.lists(st.sampled_from(WORDS) | texts, max_size=3))


def statements(of_resource=False):
    members = {
        "Effect": st.sampled_from(["Allow", "Allow", "Deny"]),
        "Action": st.lists(st.sampled_from([*ACTIONS, "s3:*", "*", "s3:?et*"]), min_size=1, max_size=2),
        "Resource": st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=2),
        "Condition": st.sampled_from([{}, {}, *CONDITIONS]),
    }
    principal = st.fixed_dictionaries({"AWS": st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)})
    named = st.sampled_from(["Principal", "Principal", "NotPrincipal"])
    plain = st.fixed_dictionaries(members)
    if not of_resource:
        return plain
    return st.builds(lambda statement, name, whom: statement | {name: whom}, plain, named, principal)


several = st.lists(st.lists(statements(), min_size=1, max_size=3).map(lambda made: policy(*made)), max_size=3).map(
    tuple
)
one = st.none() | st.lists(statements(), min_size=1, max_size=3).map(lambda made: policy(*made))
given_policies = st.fixed_dictionaries(
    {
        "identity": several,
        "boundary": one,
        "session": st.none() | several,
        "resource": st.none() | st.lists(statements(True), min_size=1, max_size=3).map(lambda made: policy(*made)),
        "organisation": st.just(()) | st.lists(several, max_size=2).map(tuple),
        "resource_controls": st.just(()) | st.lists(several, max_size=2).map(tuple),
        "required": st.booleans(),
    }
)
requests = st.fixed_dictionaries(
    {
        "who": st.sampled_from([USER, ROLE_SESSION, FEDERATED_USER, ROOT_USER, ANONYMOUS, TRAIL]),
        "action": st.sampled_from(ACTIONS),
        "on": st.sampled_from([OBJECT, "*", "arn:aws:sqs:eu-west-1:1:q", "no arn", ""]),
        "owner": st.sampled_from([HERE, THERE]),
        "context": contexts,
    }
)


@given(requests, given_policies, st.sampled_from(["identity", "boundary", "session", "organisation", "resource"]))
@settings(deadline=None)
def test_an_explicit_deny_always_wins(asked, policies, kind):
    denying = {
        "identity": (*policies["identity"], DENY),
        "boundary": DENY,
        "session": (*(policies["session"] or ()), DENY),
        "organisation": (*policies["organisation"], (ALL, DENY)),
        "resource": policy({"Effect": "Deny", "Principal": "*"}),
    }
    decision = ask(**asked, **policies | {kind: denying[kind]})
    assert not decision.allowed and decision.reason.explicit
    assert decision.statements and not any(statement.allows for statement in decision.statements)


@given(requests, given_policies, statements())
@settings(deadline=None)
def test_one_more_allow_never_takes_away_and_one_more_deny_never_gives(asked, policies, statement):
    before = ask(**asked, **policies).allowed
    for effect in ("Allow", "Deny"):
        more = policy(statement | {"Effect": effect})
        for kind in ("identity", "session"):
            if policies[kind] is not None:
                after = ask(**asked, **policies | {kind: (*policies[kind], more)}).allowed
                assert after >= before if effect == "Allow" else after <= before


@given(requests, given_policies, st.lists(statements(True), min_size=1, max_size=3), statements(True))
@settings(deadline=None)
def test_so_it_is_with_a_resources_policy(asked, policies, made, statement):
    before = ask(**asked, **policies | {"resource": policy(*made)}).allowed
    for effect in ("Allow", "Deny"):
        after = ask(**asked, **policies | {"resource": policy(*made, statement | {"Effect": effect})}).allowed
        assert after >= before if effect == "Allow" else after <= before


@given(requests, given_policies, st.lists(statements(), min_size=1, max_size=5), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_does_not_matter(asked, policies, made, chance):
    apart = [policy(each) for each in made]
    expected = ask(**asked, **policies | {"identity": (policy(*made),)}).reason
    chance.shuffle(made)
    chance.shuffle(apart)
    assert ask(**asked, **policies | {"identity": (policy(*made),)}).reason is expected
    assert ask(**asked, **policies | {"identity": tuple(apart)}).reason is expected


@given(requests, given_policies)
@settings(deadline=None)
def test_limits_only_limit(asked, policies):
    """Without boundary, session and organisation nothing that was allowed is denied."""
    free = policies | {"boundary": None, "session": None, "organisation": (), "resource_controls": ()}
    if ask(**asked, **policies).allowed and asked["who"] is not FEDERATED_USER:
        assert ask(**asked, **free).allowed


operators = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "ForAllValues:", "ForAnyValue:"]),
    st.sampled_from([*OPERATORS]),
    st.sampled_from(["", "IfExists"]),
)


@given(operators, st.lists(texts | st.sampled_from(WORDS), max_size=3), contexts, texts)
@settings(max_examples=500, deadline=None)
def test_evaluation_never_raises_whatever_the_context(operator, wanted, context, on):
    try:
        made = policy({"Condition": {operator: {"aws:username": wanted}}, "Resource": ["*", "arn:aws:s3:::${aws:a}"]})
    except Malformed:
        return
    decision = ask(identity=(made,), context=context, on=on)
    assert decision.allowed or not decision.statements


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | texts | st.sampled_from([*RESOURCES, *ACTIONS]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Version", "Statement", "Effect", "Action", "Resource", "Principal", "Condition", "AWS", "Bool"]
            )
            | texts,
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
nearly = st.builds(
    lambda statement, odd: statement | odd,
    statements(True),
    st.dictionaries(
        st.sampled_from(["Effect", "Action", "Resource", "Principal", "Condition", "Sid"]), anything, max_size=2
    ),
).map(lambda statement: {"Version": "2012-10-17", "Statement": statement})


@given(anything | nearly)
@settings(max_examples=500, deadline=None)
def test_any_json_is_a_policy_or_malformed(value):
    try:
        made = parse(json.dumps(value))
    except Malformed as problem:
        assert str(problem)
    else:
        assert made.statements
        ask(identity=(made,), resource=made, context={"aws:username": ["ann"]})


@given(st.text(alphabet='{}[]":,\\ aStemn', max_size=40))
@settings(deadline=None)
def test_any_text_is_a_policy_or_malformed(text):
    try:
        parse(text)
    except Malformed as problem:
        assert str(problem)


def naive(pattern, text):
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and naive(pattern[1:], text[1:])


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab*?", max_size=8))
@settings(deadline=None)
def test_wildcards_agree_with_their_definition(pattern, text):
    assert like(pattern, text) == naive(pattern, text)
    assert allowed({"Resource": "arn:aws:s3:::" + pattern}, on="arn:aws:s3:::" + text) == naive(pattern, text)
    assert allowed({"Condition": {"StringLike": {"k": pattern}}}, context={"k": [text]}) == naive(pattern, text)


@given(st.text(alphabet=string.printable, max_size=8))
@settings(deadline=None)
def test_signs_that_are_lists_leave_the_characters_as_they_are(text):
    assert like(list(text), text, SINGLE, MANY) and like([MANY, *text], "x" + text, SINGLE, MANY)
    assert like([SINGLE, *text], "x" + text, SINGLE, MANY) and not like([SINGLE, *text], text, SINGLE, MANY)
