import pytest
from botocore.exceptions import ClientError


def test_an_endpoint_answers(hosting):
    hosting.model("first", SECRET="s")
    hosting.config("config", ("AllTraffic", "first", 1, 1))

    described = hosting.endpoint("one", "config")

    assert described["EndpointStatus"] == "InService", described
    answer = hosting.ask("one", {"x": 1})
    assert answer["model"] == "first" and answer["sent"] == {"x": 1} and answer["secret"] == "s"


def test_an_endpoint_that_is_not_there(hosting):
    with pytest.raises(ClientError) as refused:
        hosting.ask("none")
    assert refused.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": "Endpoint none of account 123456789012 not found.",
    }
