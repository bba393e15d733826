"""What a run does to the cloud: one endpoint that is updated, no job left running, seconds as they are billed."""

from argparse import Namespace
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("rich")
import cloud
import ending
import run as system
import serving
import training
from botocore.exceptions import ClientError


class Fake:
    """SageMaker with at most one endpoint and jobs that never end."""

    def __init__(self, config=None):
        self.config, self.called = config, []

    def describe_endpoint(self, EndpointName):
        if self.config is None:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "none"}}, "DescribeEndpoint")
        return {"EndpointStatus": "InService", "EndpointConfigName": self.config}

    def __getattr__(self, name):
        def answer(**request):
            self.called.append((name, *(value for key, value in request.items() if key.endswith("Name"))))
            if name in ("create_endpoint", "update_endpoint"):
                self.config = request["EndpointConfigName"]
            return {}

        return answer


def account(sagemaker):
    found = cloud.Account(None, "us-east-1", "bucket", "jobs", "serving", "ml.m5.large")
    object.__setattr__(found, "session", Namespace(client=lambda name: sagemaker))
    return found


def run(acc, delete=False):
    return Namespace(
        acc=acc, args=Namespace(delete=delete), prefix="forecast/x", name=lambda what: f"forecast-{what}-2"
    )


def test_the_first_run_creates_the_endpoint_and_the_next_updates_it_and_removes_what_it_served():
    fake = Fake()
    serving.deploy(account(fake), "forecast-ensemble-1", print)
    serving.deploy(account(fake), "forecast-ensemble-2", print)

    changes = [each for each in fake.called if each[0] in ("create_endpoint", "update_endpoint")]
    assert changes == [
        ("create_endpoint", "forecast-ensemble", "forecast-ensemble-1"),
        ("update_endpoint", "forecast-ensemble", "forecast-ensemble-2"),
    ]
    assert fake.called[-2:] == [
        ("delete_endpoint_config", "forecast-ensemble-1"),
        ("delete_model", "forecast-ensemble-1"),
    ]


def test_an_interrupted_run_stops_its_jobs_and_says_what_is_up(capsys):
    fake = Fake("forecast-ensemble-1")
    acc = account(fake)
    cloud.start(acc, "TrainingJob", "forecast-ets-2")
    cloud.start(acc, "HyperParameterTuningJob", "forecast-2")

    with pytest.raises(KeyboardInterrupt), ending.tidied(run(acc)):
        raise KeyboardInterrupt

    stops = [each for each in fake.called if each[0].startswith("stop")]
    assert stops == [("stop_training_job", "forecast-ets-2"), ("stop_hyper_parameter_tuning_job", "forecast-2")]
    said = capsys.readouterr().out
    assert "forecast-ets-2, forecast-2" in said and "of an earlier run is up" in said and "delete-endpoint" in said


def test_an_interrupted_run_ends_with_130_and_no_trace(monkeypatch, tmp_path):
    def interrupted(this):
        raise KeyboardInterrupt

    monkeypatch.setattr(system, "run", interrupted)
    monkeypatch.setattr(system.sys, "argv", ["run.py", "--work", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        system.main()
    assert ended.value.code == 130


@pytest.mark.parametrize(("config", "gone"), [("forecast-ensemble-1", False), ("forecast-ensemble-2", True)])
def test_a_failed_run_with_delete_removes_its_own_endpoint_and_no_other(config, gone):
    fake = Fake(config)
    ending.left(run(account(fake), delete=True), account(fake))
    assert (("delete_endpoint", "forecast-ensemble") in fake.called) == gone


def test_a_job_that_was_followed_to_its_end_is_not_stopped_and_its_seconds_are_counted():
    fake = Fake()
    fake.describe_training_job = lambda TrainingJobName: {"TrainingJobStatus": "Completed", "BillableTimeInSeconds": 7}
    acc = account(fake)
    cloud.start(acc, "TrainingJob", "a")

    cloud.follow(acc, "TrainingJob", "a", print)

    assert not acc.running and acc.billed == {"a": 7}


def test_seconds_are_those_that_a_job_held_its_instance():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert cloud.billed({"ProcessingStartTime": at, "ProcessingEndTime": at + timedelta(seconds=9)}) == 9
    assert cloud.billed({"ConsumedResources": {"RuntimeInSeconds": 60}}) == 60
    assert cloud.billed({"EndpointStatus": "InService"}) == 0


@pytest.mark.parametrize(
    ("message", "left_out"), [("The image x is not known here.", True), ("Access denied to the bucket", False)]
)
def test_deepar_is_left_out_for_a_missing_image_and_for_nothing_else(monkeypatch, message, left_out):
    def fails(this, acc):
        raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "CreateTrainingJob")

    monkeypatch.setattr(training, "start_deepar", fails)
    monkeypatch.setattr(training, "planned", lambda this: {})
    this = Namespace(s3=lambda acc, where: where)
    if left_out:
        assert training.start_members(this, None, "source", {}) == {}
    else:
        with pytest.raises(ClientError):
            training.start_members(this, None, "source", {})
