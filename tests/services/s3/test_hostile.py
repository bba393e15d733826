"""Policies of buckets and of forms that mean harm: refused in AWS's words, never a failure of ours."""

import base64
import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from skylab.services.s3 import grammar, postpolicy
from skylab.services.s3.public import is_public
from skylab.wire.errors import AwsError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
    st.sampled_from(["*", "s3:GetObject", "arn:aws:s3:::box/*", "Allow", "eq", "$key", "content-length-range"]),
)  # fmt: skip
JSON = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["AWS", "StringLike", "IpAddress", "aws:SourceIp", "key", "x"]), inner, max_size=3
        ),
    ),
    max_leaves=8,
)
MEMBERS = ("Effect", "Principal", "Action", "Resource", "Condition", "NotAction", "NotPrincipal", "Sid")
GOOD = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"}
STATEMENT = st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=3).map(lambda some: GOOD | some)


@settings(max_examples=300, deadline=None)
@given(st.one_of(STATEMENT, st.lists(STATEMENT, max_size=2), JSON))
def test_any_document_is_a_bucket_policy_or_malformed(statement):
    try:
        is_public(grammar.checked(json.dumps({"Version": "2012-10-17", "Statement": statement}), "box"))
    except AwsError as error:
        assert (error.code, error.status) == ("MalformedPolicy", 400)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.just("2030-01-01T00:00:00Z"), JSON), st.one_of(st.lists(JSON, max_size=3), JSON))
def test_any_document_is_a_forms_policy_or_refused(expiration, conditions):
    text = base64.b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode()).decode()
    try:
        postpolicy.check(text, {"key": "k"}, "box", NOW)
    except AwsError as error:
        assert error.code in ("InvalidPolicyDocument", "AccessDenied")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_forms_policy_or_refused(text):
    try:
        postpolicy.check(text, {}, "box", NOW)
    except AwsError as error:
        assert error.code == "InvalidPolicyDocument"
