"""Data capture, from an invocation to the file that Model Monitor reads."""

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from endpoint_steps import Hosting, until, variant_of

from skylab.services.sagemaker.hosting import capturing

BOTH = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
TYPES = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
CODE = """
def model_fn(folder):
    return open(folder + "/name").read()

def transform_fn(model, body, content_type, accept):
    if body == "fail":
        raise ValueError("no")
    return model + ":" + str(body), content_type
"""


@pytest.fixture
def settings(settings):
    return replace(settings, capture_delivery_seconds=0.2)


@pytest.fixture
def captured(hosting):
    hosting.model("m", CODE)
    hosting.s3.create_bucket(Bucket="sagemaker-captures")

    def deploy(shadow=None, config="c", **more):
        capture = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://sagemaker-captures/in/here/",
            "CaptureOptions": BOTH,
            "CaptureContentTypeHeader": TYPES,
        } | more
        capture = {name: value for name, value in capture.items() if value is not None}
        given = {"ShadowProductionVariants": [shadow]} if shadow else {}
        hosting.config(config, ("A", "m", 1, 1), DataCaptureConfig=capture, **given)
        return hosting.endpoint("E", config)

    hosting.deploy_captured = deploy
    return hosting


def say(hosting: Hosting, body, type="text/csv", **more):
    return hosting.runtime.invoke_endpoint(EndpointName="E", Body=body, ContentType=type, **more)["Body"].read()


def files(hosting):
    return [item["Key"] for item in hosting.s3.list_objects_v2(Bucket="sagemaker-captures").get("Contents", [])]


def records(hosting, count, variant="A"):
    """So many of a variant, once they are there."""

    def found():
        lines = []
        for key in files(hosting):
            if f"/{variant}/" in key:
                lines += hosting.s3.get_object(Bucket="sagemaker-captures", Key=key)["Body"].read().splitlines()
        return lines if len(lines) >= count else None

    lines = until(found)
    assert len(lines) == count
    return [json.loads(line) for line in lines]


def test_an_invocation_is_recorded_as_sagemaker_writes_it(captured):
    described = captured.deploy_captured()
    assert described["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": "s3://sagemaker-captures/in/here/",
        "KmsKeyId": "",
    }
    say(captured, b"1,2", "text/csv; charset=utf-8", InferenceId="mine", CustomAttributes="trace=1")

    (record,) = records(captured, 1)

    meta = record.pop("eventMetadata")
    assert record == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv; charset=utf-8", "mode": "INPUT", "data": "1,2", "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "text/csv; charset=utf-8", "mode": "OUTPUT", "data": "m:1,2", "encoding": "CSV",
            },
        },
        "eventVersion": "0",
    }  # fmt: skip
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", meta.pop("eventId"))
    taken = datetime.strptime(meta.pop("inferenceTime"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - taken).total_seconds()) < 60
    assert meta == {"inferenceId": "mine", "customAttributes": ["trace=1"]}
    (key,) = files(captured)
    uuid = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    found = re.fullmatch(rf"in/here/E/A/(\d{{4}}/\d\d/\d\d/\d\d)/(\d\d-\d\d)-\d{{3}}-{uuid}\.jsonl", key)
    assert found and datetime.strptime(f"{found[1]}/{found[2]}", "%Y/%m/%d/%H/%M-%S").replace(tzinfo=UTC) == taken


def test_the_content_type_decides_on_the_encoding_and_failures_are_not_captured(captured):
    captured.deploy_captured(CaptureContentTypeHeader=TYPES | {"CsvContentTypes": ["Application/X-Own"]})
    say(captured, b'{"a": 1}', "application/json")
    say(captured, b"\x00\xff", "application/x-npy")
    say(captured, b"\xff", "application/x-own")
    say(captured, b"1", "application/x-own")
    with pytest.raises(ClientError, match="ModelError"):
        say(captured, b"fail")

    encoded = [each["captureData"]["endpointInput"] for each in records(captured, 4)]

    assert [each["encoding"] for each in encoded] == ["JSON", "BASE64", "BASE64", "CSV"]
    assert base64.b64decode(encoded[1]["data"]) == b"\x00\xff" and encoded[0]["data"] == '{"a": 1}'


def test_without_a_header_map_all_is_base64_and_options_choose_the_halves(captured):
    captured.deploy_captured(CaptureContentTypeHeader=None, CaptureOptions=[{"CaptureMode": "Input"}])
    say(captured, b"1")
    (record,) = records(captured, 1)
    assert list(record["captureData"]) == ["endpointInput"]
    assert record["captureData"]["endpointInput"]["encoding"] == "BASE64"


def test_a_percentage_is_dealt_evenly_and_a_shadow_is_captured_under_its_name(captured):
    captured.deploy_captured(variant_of("S", "m"), InitialSamplingPercentage=20)
    for n in range(20):
        say(captured, str(n).encode())
    production, shadow = records(captured, 4), records(captured, 4, "S")
    assert {each["eventMetadata"]["eventId"] for each in production} == {
        each["eventMetadata"]["eventId"] for each in shadow
    }


def test_what_a_deleted_endpoint_captured_is_delivered_and_nothing_is_left(captured):
    captured.deploy_captured()
    for n in range(5):
        say(captured, str(n).encode())
    captured.sagemaker.delete_endpoint(EndpointName="E")
    records(captured, 5)
    until(lambda: not list((captured.cloud.root / "captures").iterdir()))


def test_an_endpoint_without_capture_or_with_capture_off_records_nothing(captured):
    described = captured.deploy_captured(EnableCapture=False)
    assert (described["DataCaptureConfig"]["EnableCapture"], described["DataCaptureConfig"]["CaptureStatus"]) == (
        False, "Stopped",
    )  # fmt: skip
    say(captured, b"1")
    captured.config("plain", ("A", "m", 1, 1))
    captured.sagemaker.update_endpoint(EndpointName="E", EndpointConfigName="plain")
    assert "DataCaptureConfig" not in captured.settled("E")
    say(captured, b"2")
    assert not (captured.cloud.root / "captures").exists()


def test_a_bucket_that_cannot_be_written_stops_the_capture_and_not_the_endpoint(captured, monkeypatch):
    monkeypatch.setattr(capturing, "REST", 0.1)
    captured.deploy_captured(DestinationS3Uri="s3://sagemaker-later/x")

    assert say(captured, b"1") == b"m:1"
    until(lambda: captured.doc("E")["DataCaptureConfig"]["CaptureStatus"] == "Stopped")
    assert say(captured, b"2") == b"m:2"

    captured.s3.create_bucket(Bucket="sagemaker-later")
    until(lambda: captured.doc("E")["DataCaptureConfig"]["CaptureStatus"] == "Started")
    until(lambda: said(captured.s3).count(b"\n") == 2)


def said(s3):
    found = s3.list_objects_v2(Bucket="sagemaker-later").get("Contents", [])
    return b"".join(s3.get_object(Bucket="sagemaker-later", Key=each["Key"])["Body"].read() for each in found)


def test_captures_are_encrypted_under_the_key_that_is_named(captured):
    kms, iam = connect(captured.cloud, "kms"), connect(captured.cloud, "iam")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    allow = {"Effect": "Allow", "Action": "kms:GenerateDataKey*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName="Hosting", PolicyName="kms", PolicyDocument=policy)
    described = captured.deploy_captured(KmsKeyId=key)
    assert described["DataCaptureConfig"]["KmsKeyId"] == key
    say(captured, b"1")
    records(captured, 1)
    (name,) = files(captured)
    head = captured.s3.head_object(Bucket="sagemaker-captures", Key=name)
    assert head["ServerSideEncryption"] == "aws:kms" and key in head["SSEKMSKeyId"]
