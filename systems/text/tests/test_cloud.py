"""What a run asks of AWS, and what is said where it cannot go on."""

import argparse
import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import parts
import pytest

cloud = pytest.importorskip("cloud", reason="needs what run.py needs")
import prepare  # noqa: E402
import roles  # noqa: E402
import run  # noqa: E402
import tables  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402


class Sts:
    """A caller whose keys are valid for so long."""

    region_name = "us-east-1"

    def __init__(self, valid: timedelta) -> None:
        self.valid, self.given = valid, 0

    def client(self, name: str) -> Any:
        return self

    def assume_role(self, **request: str) -> dict[str, Any]:
        self.given += 1
        ends = datetime.now(UTC) + self.valid
        keys = {"AccessKeyId": f"key-{self.given}", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": ends}
        return {"Credentials": keys}


@pytest.mark.parametrize(("minutes", "fetched"), [(1, 2), (60, 1)])
def test_credentials_that_soon_end_are_fetched_anew(minutes: int, fetched: int) -> None:
    sts = Sts(timedelta(minutes=minutes))

    session = roles.become(sts, "arn:aws:iam::000000000000:role/text-deployer")  # type: ignore[arg-type]

    assert session.get_credentials().get_frozen_credentials().access_key == f"key-{fetched}"
    assert sts.given == fetched and session.region_name == "us-east-1"


class SageMaker:
    """One endpoint, or none, and jobs under way; remembers what it is asked to change."""

    def __init__(self, config: str | None = None) -> None:
        self.config, self.asked = config, list[tuple[str, str]]()

    def describe_training_job(self, TrainingJobName: str) -> dict[str, str]:
        return {"TrainingJobStatus": "Completed" if "linear" in TrainingJobName else "InProgress"}

    def describe_endpoint(self, EndpointName: str) -> dict[str, str]:
        if self.config is None:
            said = {"Code": "ValidationException", "Message": "Could not find endpoint"}
            raise ClientError({"Error": said}, "DescribeEndpoint")  # type: ignore[typeddict-item]
        return {"EndpointStatus": "InService", "EndpointConfigName": self.config}

    def __getattr__(self, operation: str) -> Callable[..., dict[str, str]]:
        def answer(**request: Any) -> dict[str, str]:
            self.asked.append((operation, next(iter(request.values()))))
            if operation in ("create_endpoint", "update_endpoint"):
                self.config = request["EndpointConfigName"]
            return {}

        return answer


def account(sagemaker: SageMaker) -> Any:
    session = SimpleNamespace(client=lambda name: sagemaker)
    return cloud.Account(session, "us-east-1", "bucket", "jobs", "endpoint")


def test_the_next_run_updates_the_endpoint_and_leaves_nothing_of_the_last() -> None:
    sagemaker = SageMaker()
    for stamp in ("1", "2"):
        cloud.deploy(account(sagemaker), "arn", "text-aws", stamp, "ml.c5.xlarge", print)

    assert [name for name, _ in sagemaker.asked if name.endswith("_endpoint")] == ["create_endpoint", "update_endpoint"]
    assert sagemaker.asked[-2:] == [("delete_endpoint_config", "text-aws-1"), ("delete_model", "text-aws-1")]
    assert sagemaker.config == "text-aws-2"


@pytest.mark.parametrize(
    ("remove", "said"), [(True, "was deleted"), (False, "delete-endpoint --endpoint-name text-aws")]
)
def test_a_run_that_ends_early_stops_its_jobs_and_says_what_is_left(remove: bool, said: str) -> None:
    sagemaker = SageMaker("text-aws-1")

    lines = cloud.tidy(account(sagemaker), ["text-1-linear", "text-1-encoder"], "text-aws", remove)

    assert ("stop_training_job", "text-1-encoder") in sagemaker.asked and len(lines) == 2 and said in lines[1]
    assert (("delete_endpoint", "text-aws") in sagemaker.asked) == remove


def test_ctrl_c_ends_with_130_after_tidying(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(args: argparse.Namespace, begun: Any) -> None:
        begun.acc, begun.endpoint = account(SageMaker("text-aws-1")), "text-aws"
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run", interrupted)
    monkeypatch.setattr(cloud, "caller", lambda: None)
    monkeypatch.setattr("sys.argv", ["run.py"])

    with pytest.raises(SystemExit) as ended:
        run.main()

    assert ended.value.code == 130 and "Endpoint text-aws is left" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "text,category\n", "question,category\nwhy?,fees\n", "text,category\nwhy?\n"])
def test_a_file_that_is_no_set_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    with gzip.open(tmp_path / tables.BANKING, "wt") as file:
        file.write(text)

    with pytest.raises(SystemExit) as ended:
        prepare.texts(tmp_path, None)

    assert ended.value.code == 2 and "columns text and category" in capsys.readouterr().err


def test_all_of_a_set_is_taken_and_too_little_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / tables.BANKING, "wt") as file:
        file.write("text,category\n" + "".join(f"why number {number}?,fees\n" for number in range(200)))
        file.write("Why  number 7,fees\n")

    assert len(prepare.texts(tmp_path, None)) == 200 and len(prepare.texts(tmp_path, 20)) == 20
    with pytest.raises(argparse.ArgumentTypeError):
        prepare.many("1")


def test_without_git_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert parts.commit(tmp_path) == "unknown"
