import json

from iam.asking import document

from skylab.policy.positions import spans

EXAMPLE = (
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
    '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
)


def test_a_statement_stands_where_the_simulator_says():
    """The example of https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-custom-policy.html"""
    assert spans(EXAMPLE) == [((1, 38), (1, 167))]


def test_every_statement_has_its_span_whatever_its_texts_hold():
    written = [{"Sid": '}"Statement":[{'}, {"Condition": {"StringEquals": {"a": ["{", "]"]}}}, {}]
    text = json.dumps(json.loads(document(*written)), indent=2).replace('"Version"', '"Id": "x", "Version"')
    found = spans(text)
    assert len(found) == 3
    lines = text.splitlines()
    for statement, (start, end) in zip(json.loads(text)["Statement"], found, strict=True):
        inner = "\n".join(lines[start.line - 1 : end.line])
        assert json.loads(inner.strip().removesuffix(",")) == statement
        assert lines[start.line - 1][start.column - 2] == "{" and lines[end.line - 1][end.column - 2] == "}"
