from datetime import UTC, datetime, timedelta

import cloud
import pytest
import roles
import run
from botocore.exceptions import ClientError

MISSING = {"delete_endpoint", "delete_endpoint_config", "stop_transform_job"}


class Sts:
    """Gives keys that are valid for so long."""

    region_name = "us-east-1"

    def __init__(self, valid):
        self.valid, self.given = valid, 0

    def client(self, name):
        return self

    def assume_role(self, **request):
        self.given += 1
        ends = datetime.now(UTC) + self.valid
        keys = {"AccessKeyId": f"key-{self.given}", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": ends}
        return {"Credentials": keys}


@pytest.mark.parametrize(("minutes", "fetched"), [(1, 2), (60, 1)])
def test_credentials_that_soon_end_are_fetched_anew(minutes, fetched):
    sts = Sts(timedelta(minutes=minutes))
    session = roles.become(sts, "arn:aws:iam::000000000000:role/fraud-deployer")
    assert session.get_credentials().get_frozen_credentials().access_key == f"key-{fetched}"
    assert sts.given == fetched and session.region_name == "us-east-1"


class SageMaker:
    """Remembers what it is asked; some things it has not."""

    def __init__(self, statuses=()):
        self.asked, self.statuses = [], list(statuses)

    def __getattr__(self, operation):
        def answer(**request):
            self.asked.append(operation)
            if operation in MISSING:
                said = {"Code": "ValidationException", "Message": "Could not find what you ask for."}
                raise ClientError({"Error": said}, operation)
            return {"EndpointStatus": self.statuses.pop(0)} if operation == "describe_endpoint" else {}

        return answer


def account(sagemaker):
    made = cloud.Account(None, "us-east-1", "bucket", "jobs", "endpoint", "ml.m5.large")
    made.__dict__["sagemaker"] = sagemaker
    return made


def test_deleting_waits_for_an_endpoint_that_is_being_made_and_passes_over_what_is_not_there(monkeypatch):
    monkeypatch.setattr(cloud.time, "sleep", lambda seconds: None)
    sagemaker = SageMaker(["Creating", "Creating", "InService"])
    cloud.delete(account(sagemaker), "fraud-1", ["xgboost", "ensemble"])
    looks, deletions = sagemaker.asked[:3], sagemaker.asked[3:]
    assert set(looks) == {"describe_endpoint"}
    assert deletions == ["delete_endpoint", "delete_endpoint_config", "delete_model", "delete_model"]


def test_what_runs_is_stopped_and_the_models_of_transforms_are_deleted():
    sagemaker = SageMaker()
    made = account(sagemaker)
    made.running.update({"one": "training", "two": "transform"})
    cloud.stop(made)
    assert sagemaker.asked == ["stop_training_job", "stop_transform_job", "delete_model"]


def test_what_failed_is_told_and_not_what_failed_in_tidying_up(monkeypatch, capsys):
    """The connection is gone: stopping the jobs fails as well."""

    def refused(*asked):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no more"}}, "StopTrainingJob")

    made = account(SageMaker())
    made.running["fraud-1-xgboost"] = "training"
    monkeypatch.setattr(run.cloud, "stop", refused)
    with pytest.raises(KeyboardInterrupt), run.tidied(made, "fraud-1"):
        raise KeyboardInterrupt
    assert "Some of fraud-1-xgboost, endpoint fraud-1 may be left" in " ".join(capsys.readouterr().out.split())
