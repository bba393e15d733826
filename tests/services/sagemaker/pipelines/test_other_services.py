"""Callback and Lambda steps: SQS and Lambda are not there yet, so fakes stand in for their clients."""

import io
import json

import pytest
from botocore.exceptions import ClientError
from services.sagemaker.drawn import create, fail, get, join, listed, start, status, statuses

from skylab.services.sagemaker.pipelines.language import kinds

QUEUE = "https://sqs.us-east-1.amazonaws.com/000000000000/q"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
OUTPUTS = [{"OutputName": "n", "OutputType": "Integer"}, {"OutputName": "s", "OutputType": "String"}]


class Fakes:
    def __init__(self):
        self.sent, self.invoked, self.answer, self.error = [], [], {}, {}

    def send_message(self, QueueUrl, MessageBody):
        assert QueueUrl == QUEUE
        self.sent.append(json.loads(MessageBody))

    def invoke(self, FunctionName, Payload):
        assert FunctionName == FUNCTION
        self.invoked.append(json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())} | self.error


@pytest.fixture
def fakes(cloud, monkeypatch):
    fakes = Fakes()
    real = cloud.world.assume
    object.__setattr__(
        cloud.world, "assume", lambda service, *given: fakes if service in ("sqs", "lambda") else real(service, *given)
    )
    monkeypatch.setattr(kinds, "has_service", lambda name: True)
    return fakes


def callback(**members):
    step = {"Name": "Ask", "Type": "Callback", "SqsQueueUrl": QUEUE, "OutputParameters": OUTPUTS}
    return step | {"Arguments": {"of": get("Parameters.x")}} | members


def asked(sagemaker, steps):
    said = join(get("Steps.Ask.OutputParameters['n']"), get("Steps.Ask.OutputParameters['s']"), on="/")
    create(sagemaker, callback(), fail(message=said), parameters=[{"Name": "x", "Type": "Integer", "DefaultValue": 4}])
    execution = start(sagemaker)
    steps()
    return execution


def test_a_callback_step_waits_for_the_answer_to_its_token(sagemaker, steps, fakes):
    execution = asked(sagemaker, steps)
    told = listed(sagemaker, execution)["Ask"]["Metadata"]["Callback"]
    token = told["CallbackToken"]
    assert len(token) == 10 and told["SqsQueueUrl"] == QUEUE
    assert fakes.sent == [
        {"token": token, "pipelineExecutionArn": execution, "status": "Executing", "arguments": {"of": 4}}
    ]
    steps(5)
    assert statuses(sagemaker, execution) == {"Ask": "Executing"}
    with pytest.raises(ClientError, match="OutputParameters"):
        sagemaker.send_pipeline_execution_step_success(CallbackToken=token)
    given = [{"Name": "n", "Value": "3"}, {"Name": "s", "Value": "t"}]
    answer = sagemaker.send_pipeline_execution_step_success(CallbackToken=token, OutputParameters=given)
    assert answer["PipelineExecutionArn"] == execution
    steps()
    step = listed(sagemaker, execution)
    assert step["Ask"]["Metadata"]["Callback"]["OutputParameters"] == given
    assert step["Fail"]["FailureReason"] == "3/t"
    sagemaker.send_pipeline_execution_step_failure(CallbackToken=token)  # too late: it changes nothing
    assert statuses(sagemaker, execution)["Ask"] == "Succeeded"


def test_a_callback_may_fail(sagemaker, steps, fakes):
    execution = asked(sagemaker, steps)
    token = fakes.sent[0]["token"]
    sagemaker.send_pipeline_execution_step_failure(CallbackToken=token, FailureReason="not today")
    steps()
    assert listed(sagemaker, execution)["Ask"]["FailureReason"] == "not today"
    assert status(sagemaker, execution) == "Failed"


def test_a_stop_tells_the_callbacks_consumer_and_waits_for_it(sagemaker, steps, fakes):
    execution = asked(sagemaker, steps)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    steps(3)
    assert [message["status"] for message in fakes.sent] == ["Executing", "Stopping"]
    assert status(sagemaker, execution) == "Stopping"
    given = [{"Name": "n", "Value": "3"}, {"Name": "s", "Value": "t"}]
    sagemaker.send_pipeline_execution_step_success(CallbackToken=fakes.sent[0]["token"], OutputParameters=given)
    steps()
    assert status(sagemaker, execution) == "Stopped"


def test_a_callback_that_nobody_answers_fails_after_a_week(sagemaker, steps, fakes):
    execution = asked(sagemaker, steps)
    steps(days=6.9)
    assert statuses(sagemaker, execution) == {"Ask": "Executing"}
    steps(days=0.2)
    assert "within 7 days" in listed(sagemaker, execution)["Ask"]["FailureReason"]


def test_a_lambda_step_is_one_call_and_its_answer_is_its_output(sagemaker, steps, fakes):
    fakes.answer = {"n": "5", "s": "t", "more": 1}
    step = {"Name": "Run", "Type": "Lambda", "FunctionArn": FUNCTION, "OutputParameters": OUTPUTS}
    create(sagemaker, step | {"Arguments": {"a": 1}}, fail(message=get("Steps.Run.OutputParameters['n']")))
    execution = start(sagemaker)
    steps()
    assert fakes.invoked == [{"a": 1}]
    shown = listed(sagemaker, execution)["Run"]
    assert shown["Metadata"]["Lambda"]["Arn"] == FUNCTION
    assert shown["Metadata"]["Lambda"]["OutputParameters"] == [{"Name": "n", "Value": "5"}, {"Name": "s", "Value": "t"}]
    assert listed(sagemaker, execution)["Fail"]["FailureReason"] == "5"

    fakes.answer = {}
    lacking = start(sagemaker)
    steps()
    assert "did not return the output [n]" in listed(sagemaker, lacking)["Run"]["FailureReason"]
    fakes.error = {"FunctionError": "Unhandled"}
    broken = start(sagemaker)
    steps()
    assert "The Lambda function failed" in listed(sagemaker, broken)["Run"]["FailureReason"]
