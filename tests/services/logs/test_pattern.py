import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylab.services.logs.pattern import BadPattern, matcher


@pytest.mark.parametrize(
    "pattern, matching, other",
    [
        ("", ["anything", ""], []),
        ("ERROR", ["[ERROR 400] bad"], ["error"]),
        ("ERROR bad", ["bad ERROR"], ["ERROR"]),
        ('"INTERNAL SERVER"', ["500 INTERNAL SERVER ERROR"], ["SERVER INTERNAL"]),
        ("?WARN ?ERROR", ["WARN x", "ERROR y"], ["INFO"]),
        ("ERROR -EXITING", ["ERROR"], ["ERROR EXITING"]),
        ('-"two words"', ["two", "words two"], ["two words"]),
        (r'"say \"hi\""', ['say "hi"'], ["say hi"]),
    ],
)
def test_terms(pattern, matching, other):
    matches = matcher(pattern)
    assert all(matches(message) for message in matching)
    assert not any(matches(message) for message in other)


DOC = {"loss": 0.25, "stage": "train-1", "ok": True, "bad": None, "at": {"x.y": [{"n": 3}]}}


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.loss = 0.25 }",
        "{$.loss<0.5}",
        '{ $.stage = "train*" }',
        "{ $.stage = train* }",
        "{ $.stage != test }",
        "{ $.ok IS TRUE }",
        "{ $.bad IS NULL }",
        "{ $.nothing NOT EXISTS }",
        '{ $.at["x.y"][0].n >= 3 }',
        "{ ($.loss > 1 || $.ok IS TRUE) && $.stage = train-1 }",
    ],
)
def test_selectors_that_match(pattern):
    assert matcher(pattern)(json.dumps(DOC))
    assert not matcher(pattern)("plain text")


@pytest.mark.parametrize(
    "pattern",
    ["{ $.loss > 0.25 }", "{ $.stage = train }", "{ $.none != x }", "{ $.ok = 1 }", "{ $.loss = 0.25 && $.ok = x }"],
)
def test_selectors_that_do_not_match(pattern):
    assert not matcher(pattern)(json.dumps(DOC))


@pytest.mark.parametrize(
    "pattern",
    ["[a, b]", "%regex%", '"open', "a:b", "?a b", "{", "{ }", "{ $.a }", "{ $.a = 1", "{ $.a = 1 } x", "{ $.a < b }"]
    + ["{ $.a = %x% }", "{ $.a ( 1 }", "{ $.a IS MAYBE }", "{" + "(" * 400 + "$.a=1" + ")" * 400 + "}"],
)
def test_what_is_wrong_or_not_supported_is_refused(pattern):
    with pytest.raises(BadPattern):
        matcher(pattern)


@given(st.text(max_size=60) | st.text(alphabet='{}()$.=<>!&|"?-% a1[]', max_size=60), st.text(max_size=40))
def test_no_pattern_does_worse_than_being_refused(pattern, message):
    try:
        matches = matcher(pattern)
    except BadPattern:
        return
    assert matches(message) in (True, False)


def test_a_pattern_with_many_stars_does_not_take_for_ever():
    matches = matcher("{ $.a = " + "*a" * 500 + "b }")
    assert not matches(json.dumps({"a": "a" * 5000}))
