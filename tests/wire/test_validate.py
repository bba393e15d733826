"""Validation: AWS's constraints in AWS's words."""

import time

import pytest

from skylab.wire.errors import AwsError
from skylab.wire.model import service_model
from skylab.wire.patterns import compiled, matches
from skylab.wire.validate import validate

SAGEMAKER = service_model("sagemaker")
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/a"
SERVICES = (
    "sagemaker sagemaker-runtime iam sts s3 logs cloudwatch events lambda ecr sns sqs kms ssm stepfunctions dynamodb"
)


def said(operation, params, service="sagemaker"):
    shape = service_model(service).operation_model(operation).input_shape
    with pytest.raises(AwsError) as raised:
        validate(shape, params)
    assert raised.value.code == "ValidationException"
    return raised.value.message


def test_everything_wrong_is_said_at_once():
    message = said("DeleteEndpoint", {}) + "|" + said("AddTags", {"ResourceArn": "x y"})
    assert message == (
        "1 validation error detected: Value null at 'endpointName' failed to satisfy constraint: "
        "Member must not be null"
        "|2 validation errors detected: Value null at 'tags' failed to satisfy constraint: Member must not be null; "
        "Value 'x y' at 'resourceArn' failed to satisfy constraint: Member must satisfy regular expression pattern: "
        "arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+"
    )


@pytest.mark.parametrize(
    "params, sentence",
    [
        ({"EndpointName": "a" * 64}, "Member must have length less than or equal to 63"),
        ({"EndpointName": "under_score"}, "Member must satisfy regular expression pattern: "),
        ({"EndpointName": "line\n"}, "Member must satisfy regular expression pattern: "),
        ({"EndpointName": 1}, "Value '1' at 'endpointName' failed to satisfy constraint: Member must be a string"),
    ],
)
def test_a_name_has_its_length_and_letters(params, sentence):
    assert sentence in said("DeleteEndpoint", params)


def test_numbers_enums_and_nesting():
    config = {"InstanceType": "ml.huge", "InstanceCount": -1, "VolumeSizeInGB": True}
    message = said("CreateTrainingJob", {"ResourceConfig": config})
    assert (
        "Value '-1' at 'resourceConfig.instanceCount' failed to satisfy constraint: "
        "Member must have value greater than or equal to 0" in message
    )
    assert (
        "Value 'ml.huge' at 'resourceConfig.instanceType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [" in message
    )
    assert "at 'resourceConfig.volumeSizeInGB' failed to satisfy constraint: Member must be a integer" in message


def test_elements_of_lists_and_maps():
    message = said("AddTags", {"ResourceArn": "arn:x", "Tags": [{"Key": "a", "Value": "b"}, {"Value": "c"}, None]})
    assert "Value null at 'tags.2.member.key' failed" in message
    assert "Value null at 'tags.3.member' failed" in message
    message = said("DeleteTags", {"ResourceArn": "arn:x", "TagKeys": ["a", "!"]})
    assert "Value '[a, !]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [" in message
    assert message.endswith("Member must not be null]")
    message = said("CreateTrainingJob", {"HyperParameters": {"a" * 257: "b"}})
    assert (
        "at 'hyperParameters' failed to satisfy constraint: Map keys must satisfy constraint: [Member must" in message
    )
    message = said("CreateTrainingJob", {"HyperParameters": {"a": "b" * 2501}})
    assert "Map value must satisfy constraint: [Member must have length less than or equal to 2500" in message


def test_a_union_has_one_member():
    shape = next(s for s in map(SAGEMAKER.shape_for, SAGEMAKER.shape_names) if getattr(s, "is_tagged_union", False))
    with pytest.raises(AwsError, match="exactly one member"):
        validate(shape, {})


def test_a_secret_is_not_repeated():
    message = said("ChangePassword", {"OldPassword": "", "NewPassword": "x"}, "iam")
    assert "Value at 'oldPassword' failed to satisfy constraint" in message


def test_a_stream_is_not_validated():
    shape = service_model("sagemaker-runtime").operation_model("InvokeEndpoint").input_shape
    validate(shape, {"EndpointName": "a", "Body": object()})


def test_the_code_is_the_services():
    with pytest.raises(AwsError) as raised:
        validate(service_model("iam").operation_model("GetRole").input_shape, {}, "ValidationError")
    assert raised.value.code == "ValidationError"


def test_what_is_right_passes():
    validate(SAGEMAKER.operation_model("AddTags").input_shape, {"ResourceArn": ARN, "Tags": []})
    validate(None, {})


def test_every_pattern_of_the_models_compiles():
    patterns = {
        model.shape_for(name).metadata.get("pattern")
        for model in map(service_model, SERVICES.split())
        for name in model.shape_names
    }
    assert [pattern for pattern in patterns if pattern and compiled(pattern) is None] == []


@pytest.mark.parametrize(
    "pattern, text, fits",
    [
        (r"[\w-_]*", "a-_1", True),
        (r"[\w]+", "é", False),
        (r"\d{2}", "12", True),
        (r"\d{2}", "١٢", False),
        (r"^[a-z]+$", "a\n", False),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "Größe 1/2 日本", True),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "a!", False),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "a😀\t", True),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "a\n", False),
        (r"[\u0009\u000A\u000D\u0020-\u00FF]+", '{"a": "ü"}\n', True),
        (r"\A\S[\p{Print}]*\z", "a b", True),
        (r"arn:[\p{Alnum}\-]+:.*", "arn:aws-cn:x", True),
    ],
)
def test_patterns_mean_what_they_mean_in_java(pattern, text, fits):
    assert matches(pattern, text) is fits


def test_a_pattern_that_explodes_is_given_up():
    started = time.monotonic()
    assert not matches(r"([a-z]+)+", "a" * 40 + "!")
    assert not matches(r"(a|a)*(a|a)*b", "a" * 60)
    assert time.monotonic() - started < 2
