"""Whatever comes in, what comes out is parameters or an AwsError: never a Python error."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_samples import dice, request_of, sample

from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.model import service_model
from skylab.wire.protocols import protocol
from skylab.wire.validate import validate

MANY = settings(max_examples=150, deadline=None)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner), max_leaves=8
)
NUMBERS = [b"1e400", b"-1e400", b"1" + b"0" * 400, b"1e-400", b"-0", b"9223372036854775808", b"1.0", b"1e5"]


def survives(service, request):
    """The parameters, validated too; None if they were refused."""
    model = service_model(service)
    wire = protocol(model, request)
    operation = None
    try:
        operation = wire.operation(request)
        params = wire.parse(operation, request)
        validate(operation.input_shape, params)
        return params
    except AwsError as error:
        answer = wire.refuse(operation, error, "r", request)
        assert 400 <= answer.status < 500
        return None


def mixed(document, dice, value):
    """The document with one value somewhere in it replaced."""
    if isinstance(document, dict) and document and dice.random() < 0.9:
        key = dice.choice(sorted(document))
        return document | {key: mixed(document[key], dice, value)}
    if isinstance(document, list) and document and dice.random() < 0.9:
        return [mixed(document[0], dice, value), *document[1:]]
    return value


@MANY
@given(st.integers(0, 2**32), VALUES)
def test_json_with_any_value_anywhere(seed, value):
    model = service_model("sagemaker")
    roll = dice(seed)
    operation = model.operation_model(roll.choice(model.operation_names))
    if operation.input_shape is None:
        return
    request = request_of(operation, sample(operation.input_shape, roll), "json")
    try:
        request.body = orjson.dumps(mixed(orjson.loads(request.body), roll, value))
    except TypeError:
        return  # no JSON: a lone surrogate, an integer past 64 bits
    survives("sagemaker", request)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("member", ["CreationTimeAfter", "MaxResults", "NameContains"])
def test_json_with_odd_numbers(number, member):
    body = b'{"%s": %s}' % (member.encode(), number)
    survives("sagemaker", HttpRequest("POST", "/", "", {"x-amz-target": "SageMaker.ListTrainingJobs"}, body))
    body = b'{"namespace":"a","metricData":[{"metricName":"a","value": %s}]}' % number
    headers = {"x-amz-target": "GraniteServiceVersion20100801.PutMetricData"}
    survives("cloudwatch", HttpRequest("POST", "/", "", headers, body))


@MANY
@given(st.binary() | st.text().map(str.encode))
def test_json_of_any_bytes(body):
    survives("sagemaker", HttpRequest("POST", "/", "", {"x-amz-target": "SageMaker.CreateTrainingJob"}, body))


NAMES = st.lists(
    st.sampled_from(["Tags", "member", "1", "2", "Key", "Value", "entry", "", "x", "-1", "RoleName"]), max_size=6
)


@MANY
@given(st.lists(st.tuples(NAMES.map(".".join), st.sampled_from(["", "a", "1", "%ff", "%", "true", "1e400", "+"]))))
def test_forms_of_any_structure(pairs):
    body = "Action=CreateRole&" + "&".join(f"{name}={value}" for name, value in pairs)
    survives("iam", HttpRequest("POST", "/", "", {}, body.encode()))


@MANY
@given(
    st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", ""]),
    st.text(st.sampled_from("/ab%2F+.~é"), max_size=12),
    st.text(st.sampled_from("&=%fFacl+uploadsId;"), max_size=20),
    st.dictionaries(
        st.sampled_from(["content-length", "range", "x-amz-copy-source", "expires", "x-amz-meta-", "x-amz-mfa"]),
        st.text(max_size=8),
    ),
    st.binary(max_size=30)
    | st.sampled_from([b"<a/>", b"<Delete><Object/></Delete>", b"<Tagging><TagSet>x</TagSet></Tagging>"]),
)
def test_s3_requests_of_any_kind(method, path, query, headers, body):
    survives("s3", HttpRequest(method, "/" + path, query, headers, body))


@MANY
@given(
    st.text(st.sampled_from("<>/ab=\"'&;! xmlns:ObjectKyDelt"), max_size=60).map(
        lambda text: f"<Delete>{text}</Delete>"
    )
)
def test_xml_of_any_characters(body):
    survives("s3", HttpRequest("POST", "/b", "delete", {}, body.encode()))
