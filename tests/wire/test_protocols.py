"""Routing, hostile input and errors of json, query and rest-json."""

from datetime import UTC, datetime

import pytest
from wire_samples import dice, parsed, pruned, sample

from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.json import JsonProtocol
from skylab.wire.model import OLD_CODES, service_model
from skylab.wire.protocols import protocol
from skylab.wire.query import QueryProtocol

SAGEMAKER = service_model("sagemaker")
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
ERRORS = [
    (service, shape)
    for service in ("sagemaker", "sagemaker-runtime", "s3", "sts", "iam", "logs", "cloudwatch", "lambda", "sqs")
    for shape in service_model(service).error_shapes
]


def target(name, body, model="SageMaker"):
    return HttpRequest("POST", "/", "", {"x-amz-target": f"{model}.{name}"}, body)


def form(body, query=""):
    return HttpRequest("POST", "/", query, FORM, body)


def read(service, request):
    model = service_model(service)
    wire = protocol(model, request)
    return wire.parse(wire.operation(request), request)


def test_a_model_with_two_protocols_takes_the_one_that_the_request_speaks():
    model = service_model("cloudwatch")
    assert isinstance(protocol(model, target("ListMetrics", b"{}", "GraniteServiceVersion20100801")), JsonProtocol)
    assert isinstance(protocol(model, form(b"Action=ListMetrics")), QueryProtocol)
    assert isinstance(protocol(model, HttpRequest("GET", "/", "Action=ListMetrics", {})), QueryProtocol)


def test_protocols_are_kept():
    request = target("ListTags", b"")
    assert protocol(SAGEMAKER, request) is protocol(SAGEMAKER, request)


def test_recursive_shapes_are_one_object():
    shape = SAGEMAKER.shape_for("SearchExpression")
    assert (
        shape.members["SubExpressions"].member
        is shape.members["SubExpressions"].member.members["SubExpressions"].member
    )


@pytest.mark.parametrize("name", ["SageMaker.Nothing", "Other.ListTags", "ListTags", "", "SageMaker."])
def test_an_unknown_target_is_an_unknown_operation(name):
    request = HttpRequest("POST", "/", "", {"x-amz-target": name}, b"{}")
    with pytest.raises(AwsError) as raised:
        protocol(SAGEMAKER, request).operation(request)
    assert raised.value.code == "UnknownOperationException"


@pytest.mark.parametrize(
    "body, message",
    [
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b'{"TrainingJobName": "\\ud800"}', "not valid JSON"),
        (b"NaN", "not valid JSON"),
        (b"[]", "START_ARRAY is not an object"),
        (b"null", "NULL_VALUE is not an object"),
        (b'{"TrainingJobName": 1}', "NUMBER_VALUE can not be converted to String at 'TrainingJobName'"),
        (b'{"EnableNetworkIsolation": "true"}', "to Boolean at 'EnableNetworkIsolation'"),
        (b'{"ResourceConfig": []}', "START_ARRAY can not be converted to a structure at 'ResourceConfig'"),
        (b'{"ResourceConfig": {"InstanceCount": true}}', "at 'ResourceConfig.InstanceCount'"),
        (b'{"ResourceConfig": {"InstanceCount": 1.5}}', "at 'ResourceConfig.InstanceCount'"),
        (b'{"ResourceConfig": {"InstanceCount": 2147483648}}', "out of range"),
        (b'{"Tags": {}}', "at 'Tags'"),
        (b'{"Tags": [{"Key": "a"}, {"Key": []}]}', "at 'Tags.2.Key'"),
        (b'{"HyperParameters": {"a": 1}}', "at 'HyperParameters.a'"),
        (b"[" * 100_000 + b"]" * 100_000, "not valid JSON"),
        (b'{"Tags":' + b"[" * 500 + b"]" * 500 + b"}", "nests too deeply"),
    ],
)
def test_a_body_that_is_not_the_shape_is_a_serialization_error(body, message):
    with pytest.raises(AwsError) as raised:
        read("sagemaker", target("CreateTrainingJob", body))
    assert raised.value.code == "SerializationException"
    assert message in raised.value.message


def test_recursion_in_a_shape_is_bounded():
    bomb = b'{"Resource":"x","SearchExpression":' + b'{"SubExpressions":[' * 400 + b"{}" + b"]}" * 400 + b"}"
    with pytest.raises(AwsError, match="nests too deeply"):
        read("sagemaker", target("Search", bomb))


def test_what_the_model_does_not_know_and_nulls_are_dropped():
    body = b'{"TrainingJobName": "a", "Nonsense": 1, "RoleArn": null, "Tags": [null]}'
    assert read("sagemaker", target("CreateTrainingJob", body)) == {"TrainingJobName": "a", "Tags": [None]}


@pytest.mark.parametrize("time", [b"1700000000", b"1700000000.5", b'"2023-11-14T22:13:20Z"', b"1.7e9"])
def test_a_time_is_read_in_any_form(time):
    params = read("sagemaker", target("ListTrainingJobs", b'{"CreationTimeAfter": ' + time + b"}"))
    assert params["CreationTimeAfter"].replace(microsecond=0) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("time", [b"1e300", b'"yesterday"', b'"0000-00-00T00:00:00Z"', b"true", b"-1e18"])
def test_a_time_that_is_none_is_refused(time):
    with pytest.raises(AwsError) as raised:
        read("sagemaker", target("ListTrainingJobs", b'{"CreationTimeAfter": ' + time + b"}"))
    assert raised.value.code == "SerializationException"


def test_times_go_out_in_milliseconds():
    operation = SAGEMAKER.operation_model("DescribeTrainingJob")
    result = {
        "CreationTime": datetime(2023, 11, 14, 22, 13, 20, 123456, UTC),
        "_": {"private": 1},
        "FailureReason": None,
    }
    assert (
        protocol(SAGEMAKER, target("x", b"")).answer(operation, result, "r").body == b'{"CreationTime":1700000000.123}'
    )


@pytest.mark.parametrize(
    "body, code",
    [
        (b"", "MissingAction"),
        (b"Action=Nothing", "InvalidAction"),
        (b"Action=%FF", "MalformedQueryString"),
        (b"\xff", "MalformedQueryString"),
        (b"Action=CreateRole&MaxSessionDuration=abc", "MalformedInput"),
        (b"Action=CreateRole&MaxSessionDuration=1_0", "MalformedInput"),
        (b"Action=CreateRole&MaxSessionDuration=99999999999999999999", "MalformedInput"),
        (b"Action=CreateRole&Tags.member.x.Key=a", "MalformedInput"),
        (b"Action=CreateRole&RoleName.a=b", "MalformedInput"),
        (b"Action=CreateRole&RoleName" + b".a" * 10_000 + b"=b", "MalformedInput"),
    ],
)
def test_a_form_that_is_not_the_shape_is_refused(body, code):
    with pytest.raises(AwsError) as raised:
        read("iam", form(body))
    assert raised.value.code == code


def test_list_indexes_only_order():
    body = b"Action=TagRole&Tags.member.900000000.Key=b&Tags.member.10.Key=a&Tags.member.9.Key=z"
    assert read("iam", form(body))["Tags"] == [{"Key": "z"}, {"Key": "a"}, {"Key": "b"}]


def test_an_action_may_come_in_the_url():
    request = HttpRequest("GET", "/", "Action=AssumeRole&RoleArn=arn%3Aaws&DurationSeconds=900", {})
    assert read("sts", request) == {"RoleArn": "arn:aws", "DurationSeconds": 900}


@pytest.mark.parametrize("service, shape", ERRORS, ids=lambda value: getattr(value, "name", value))
def test_every_modelled_error_reads_as_it_was_raised(service, shape):
    model = service_model(service)
    said = {n for n in shape.members if n.lower() in ("message", "code", "type", "status", "statuscode")}
    members = {k: v for k, v in (sample(shape, dice(1)) or {}).items() if k not in said}
    request = HttpRequest("POST", "/", "", {})
    wire = protocol(model, request)
    answer = wire.refuse(None, AwsError(shape.name, "why & <how>", **members), "r-1", request)

    error = parsed(None, answer, model.resolved_protocol)
    old = OLD_CODES.get(shape.name, shape.error_code) if service == "sqs" else shape.error_code
    assert error["Error"]["Code"] == (shape.name if model.resolved_protocol == "rest-xml" else old)
    assert error["Error"]["Message"] == "why & <how>"
    assert error["ResponseMetadata"]["RequestId"] == "r-1"
    assert answer.status == shape.metadata.get("error", {}).get("httpStatusCode", answer.status)
    shown = parsed(None, answer, model.resolved_protocol, shape)
    assert pruned({k: v for k, v in shown.items() if k not in said}) == pruned(members)


def test_an_alias_is_what_the_query_protocol_says():
    iam = service_model("iam")
    request = form(b"")
    answer = protocol(iam, request).refuse(None, AwsError("NoSuchEntityException", "gone"), "r", request)
    assert (answer.status, parsed(None, answer, "query")["Error"]) == (
        404,
        {"Type": "Sender", "Code": "NoSuchEntity", "Message": "gone"},
    )


def test_an_unmodelled_error_is_400_and_our_own_failure_500():
    request = target("ListTags", b"")
    wire = protocol(SAGEMAKER, request)
    assert wire.refuse(None, AwsError("ValidationException", "m"), "r", request).status == 400
    assert wire.refuse(None, AwsError("InternalFailure", "m"), "r", request).status == 500
    assert wire.refuse(None, AwsError("NotImplemented", "m", 501), "r", request).status == 501


def test_a_services_old_query_code_reaches_boto3():
    model = service_model("cloudwatch")
    request = target("x", b"")
    error = AwsError("DashboardNotFoundError", "gone")
    shown = parsed(None, JsonProtocol(model).refuse(None, error, "r", request), "json")
    assert (shown["Error"]["Code"], shown["Error"]["Type"]) == ("ResourceNotFound", "Sender")


def test_labels_are_decoded_once_and_keep_their_slashes():
    model = service_model("lambda")
    request = HttpRequest("GET", "/2015-03-31/functions/arn%3Aaws%2Fx", "", {})
    operation = protocol(model, request).operation(request)
    assert operation.name == "GetFunction"
    assert protocol(model, request).parse(operation, request) == {"FunctionName": "arn:aws/x"}


def test_no_operation_at_a_url_is_404():
    model = service_model("sagemaker-runtime")
    request = HttpRequest("POST", "/endpoints", "", {}, b"")
    wire = protocol(model, request)
    with pytest.raises(AwsError) as raised:
        wire.operation(request)
    assert wire.refuse(None, raised.value, "r", request).status == 404
