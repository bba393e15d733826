import pytest
from botocore.exceptions import ClientError, EventStreamError
from endpoint_steps import until

from skylab.compute.supervisor import Supervisor
from skylab.services.sagemaker_runtime import invocations, routes


def test_an_endpoint_answers(hosting):
    hosting.model("first", SECRET="s")
    hosting.config("config", ("AllTraffic", "first", 1, 1))

    described = hosting.endpoint("one", "config")

    assert described["EndpointStatus"] == "InService", described["FailureReason"]
    answer = hosting.ask("one", {"x": 1})
    assert answer["model"] == "first" and answer["sent"] == {"x": 1} and answer["secret"] == "s"


def test_an_endpoint_that_is_not_there(hosting):
    with pytest.raises(ClientError) as refused:
        hosting.ask("none")
    assert refused.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": "Endpoint none of account 000000000000 not found.",
    }


def test_what_the_container_refuses_is_a_model_error(hosting):
    hosting.model("first")
    hosting.config("config", ("AllTraffic", "first", 1, 1))
    hosting.endpoint("one", "config")

    with pytest.raises(ClientError) as failed:
        hosting.ask("one", {"fail": "no such number"})

    response = failed.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 500
    assert "no such number" in response["OriginalMessage"]
    assert response["Error"]["Message"].startswith("Received server error (500) from primary with message ")
    assert response["LogStreamArn"] == "arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/one"


def test_variants_share_by_weight_and_can_be_named(hosting):
    hosting.model("a")
    hosting.model("b")
    hosting.config("config", ("A", "a", 1, 3), ("B", "b", 1, 1))
    hosting.endpoint("two", "config")

    answers = [hosting.ask("two")["model"] for _ in range(8)]

    assert sorted(answers) == ["a"] * 6 + ["b"] * 2
    assert answers[:4].count("b") == 1, "evenly interleaved"
    assert {hosting.ask("two", TargetVariant="B")["model"] for _ in range(3)} == {"b"}
    with pytest.raises(ClientError, match="Variant C of endpoint two not found"):
        hosting.ask("two", TargetVariant="C")


def test_replicas_take_turns(hosting):
    hosting.model("a")
    hosting.config("config", ("A", "a", 2, 1))
    hosting.endpoint("two", "config")
    assert len({hosting.ask("two")["born"] for _ in range(4)}) == 2


def test_a_payload_that_is_too_long_is_refused(hosting):
    hosting.model("a")
    hosting.config("config", ("A", "a", 1, 1))
    hosting.endpoint("one", "config")
    with pytest.raises(ClientError, match="Member must have length less than or equal to 6291456"):
        hosting.runtime.invoke_endpoint(EndpointName="one", Body=b"x" * 6291457)


STREAMING = """
def model_fn(folder):
    return None

def transform_fn(model, body, content_type, accept):
    return (word + b" " for word in body.split()), "text/plain"
"""


def test_a_streamed_answer_arrives_in_parts(hosting):
    hosting.model("s", STREAMING)
    hosting.config("config", ("A", "s", 1, 1))
    hosting.endpoint("one", "config")
    answer = hosting.runtime.invoke_endpoint_with_response_stream(
        EndpointName="one", Body=b"one two three", ContentType="text/plain"
    )
    parts = [event["PayloadPart"]["Bytes"] for event in answer["Body"]]
    assert b"".join(parts) == b"one two three "
    assert answer["InvokedProductionVariant"] == "A"


def test_a_replica_that_dies_is_started_again(hosting):
    hosting.model("a")
    hosting.config("config", ("A", "a", 1, 1))
    hosting.endpoint("one", "config")

    with pytest.raises(ClientError) as failed:
        hosting.ask("one", {"die": True})
    assert failed.value.response["Error"]["Code"] == "ModelError"

    until(lambda: answers(hosting, "one"))


def answers(hosting, name):
    try:
        return hosting.ask(name)
    except ClientError as refused:
        error = refused.response["Error"]  # the dying process may still have accepted the connection
        assert error["Code"] == "ServiceUnavailable" or "The connection was closed" in error["Message"]


def test_a_replica_that_cannot_be_reached_is_passed_over(hosting):
    hosting.model("a")
    hosting.config("config", ("A", "a", 2, 1))
    hosting.endpoint("two", "config")
    assert len({hosting.ask("two")["born"] for _ in range(4)}) == 2
    hosting.cloud.supervisor.stop()  # nobody notices what now happens
    processes = hosting.cloud.world.processes
    (victim,) = [f"{path.parent.name}/{path.name}" for path in processes.root.glob("*/0-0-*")]
    processes.stop(victim, hard=True)
    until(lambda: not processes.alive(victim))

    assert len({hosting.ask("two")["born"] for _ in range(4)}) == 1

    watch_again(hosting.cloud)


def watch_again(cloud):
    """The supervisor of the cloud, anew: a stopped one does not start again."""
    cloud.supervisor = Supervisor(cloud.store, cloud.supervisor.work, cloud.clock)
    cloud.supervisor.start()


BREAKING = """
def model_fn(folder):
    return None

def transform_fn(model, body, content_type, accept):
    def words():
        yield b"one "
        raise ValueError("no more")
    return words(), "text/plain"
"""


def test_a_streamed_answer_that_breaks_ends_with_an_exception(hosting):
    hosting.model("s", BREAKING)
    hosting.config("config", ("A", "s", 1, 1))
    hosting.endpoint("one", "config")
    answer = hosting.runtime.invoke_endpoint_with_response_stream(EndpointName="one", Body=b"x")
    parts = []
    with pytest.raises(EventStreamError, match="ModelStreamError"):
        for event in answer["Body"]:
            parts.append(event["PayloadPart"]["Bytes"])
    assert parts == [b"one "]


def test_a_container_that_takes_too_long_is_a_model_error(hosting, monkeypatch):
    monkeypatch.setattr(invocations, "TIMEOUT", 0.2)
    hosting.model("a")
    hosting.config("config", ("A", "a", 1, 1))
    hosting.endpoint("one", "config")
    with pytest.raises(
        ClientError, match="invocation timed out while waiting for a response from container primary"
    ) as e:
        hosting.ask("one", {"sleep": 1})
    assert e.value.response["OriginalStatusCode"] == 0
    monkeypatch.undo()
    assert hosting.ask("one", {"x": 2})["sent"] == {"x": 2}, "the late answer went to nobody"


def test_a_request_that_finds_its_replica_gone_looks_again_who_serves(hosting, monkeypatch):
    """An update between the look at the route and the connection: nothing was sent, so the new replica is asked."""
    hosting.model("a")
    hosting.config("config", ("A", "a", 1, 1))
    hosting.endpoint("one", "config")
    real, looks = routes.find, []

    def stale_first(call, request):
        looks.append(real(call, request))
        return looks[-1]._replace(sockets=["/nowhere"]) if len(looks) == 1 else looks[-1]

    monkeypatch.setattr(routes, "find", stale_first)
    assert hosting.ask("one", {"x": 1})["sent"] == {"x": 1} and len(looks) == 2
