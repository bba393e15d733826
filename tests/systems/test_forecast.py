"""systems/forecast: its own tests, its roles, and the whole run against a running Skylab."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from conftest import connect

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = REPOSITORY / "systems" / "forecast"
SKYLAB = [sys.executable, "-m", "skylab.cli"]
ACCOUNT, REGION = "000000000000", "us-east-1"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"
RUN = "forecast/simulated/1"


def python(*argv: object, interpreter: object = sys.executable, seconds: int = 110) -> str:
    """Run a script of the system as a user does; its output, or a failure that shows it."""
    done = subprocess.run([interpreter, *map(str, argv)], cwd=SYSTEM, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_its_own_tests_pass() -> None:
    assert " passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")


def test_every_script_runs_alone(tmp_path: Path) -> None:
    python("data/simulate.py", "--to", tmp_path / "raw", "--series", 12)
    python("steps/prepare.py", "--raw", tmp_path / "raw", "--out", tmp_path / "prepared")
    told = python(
        "model/train.py",
        "--train",
        tmp_path / "prepared" / "train",
        "--member",
        "snaive",
        "--model-dir",
        tmp_path / "m",
    )
    assert re.search(r"accounts-quarterly: 4 series in .* cv-owa:[01]\.\d+", told)


def the_roles():
    spec = importlib.util.spec_from_file_location("forecast_roles", SYSTEM / "roles.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def denied(attempt, action, **request):
    with pytest.raises(ClientError) as error:
        attempt(**request)
    assert f"not authorized to perform: {action}" in error.value.response["Error"]["Message"]


def test_its_roles_do_their_own_work_and_nothing_else(cloud):
    code = the_roles()
    made = code.make(connect(cloud, "iam"), ACCOUNT, REGION, BUCKET)
    assert code.make(connect(cloud, "iam"), ACCOUNT, REGION, BUCKET) == made  # again changes nothing
    for key in (f"{RUN}/models/members/a", f"{RUN}/prepared/test/a", "others/secret"):
        connect(cloud, "s3").put_object(Bucket=BUCKET, Key=key, Body=b"1")
    key = code.assumed(connect(cloud, "sts"), made.deployer)
    deployer = cloud._client("sagemaker", REGION, key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
    image = {"Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"}

    deployer.create_model(ModelName="forecast-m", ExecutionRoleArn=made.serving, PrimaryContainer=image)
    other = f"arn:aws:iam::{ACCOUNT}:role/Administrator"
    given = {"ModelName": "forecast-n", "ExecutionRoleArn": other, "PrimaryContainer": image}
    denied(deployer.create_model, "iam:PassRole", **given)
    given = {"ModelName": "theirs", "ExecutionRoleArn": made.serving, "PrimaryContainer": image}
    denied(deployer.create_model, "sagemaker:CreateModel", **given)

    jobs, serving = (cloud.assume("s3", REGION, role, "x") for role in (made.jobs, made.serving))
    jobs.put_object(Bucket=BUCKET, Key=f"{RUN}/models/members/b", Body=b"2")
    serving.put_object(Bucket=BUCKET, Key=f"{RUN}/answers/b", Body=b"2")
    assert serving.get_object(Bucket=BUCKET, Key=f"{RUN}/models/members/a")["Body"].read() == b"1"
    denied(jobs.get_object, "s3:GetObject", Bucket=BUCKET, Key="others/secret")
    denied(jobs.get_object, "s3:GetObject", Bucket=BUCKET, Key=f"{RUN}/prepared/test/a")
    assert jobs.get_object(Bucket=BUCKET, Key=f"{RUN}/models/members/a")["Body"].read() == b"1"
    denied(jobs.put_object, "s3:PutObject", Bucket=BUCKET, Key=f"{RUN}/answers/b", Body=b"")
    denied(serving.get_object, "s3:GetObject", Bucket=BUCKET, Key=f"{RUN}/prepared/test/a")
    denied(serving.put_object, "s3:PutObject", Bucket=BUCKET, Key=f"{RUN}/models/members/a", Body=b"")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_tunes_forecasts_judges_registers_and_serves_in_a_running_cloud(tmp_path: Path) -> None:
    interpreter = REPOSITORY / ".venvs" / "forecast" / "bin" / "python"
    if not interpreter.exists():
        pytest.skip(f"{interpreter} is missing: `skylab run forecast` makes it")
    root = str(tmp_path / "root")
    subprocess.run([*SKYLAB, "up", "--root", root, "--port", "0", "--detach"], check=True, timeout=60)
    inside = [*SKYLAB[1:], "exec", "--root", root, "--", interpreter, "run.py", "--work", tmp_path / "work"]
    try:
        small = ["--series", 36, "--prophet", 1, "--tune", "--delete", "--summary", tmp_path / "summary.json"]
        told = python(*inside, *small, seconds=560)
    finally:
        subprocess.run([*SKYLAB, "down", "--root", root], check=True, timeout=60)

    told = " ".join(told.split())
    assert re.search(r"done tune lightgbm .* OWA 0\.\d+ with the defaults, 0\.\d+ with \{'", told)
    assert re.search(r"done deepar meters-monthly .* 12 series forecast|DeepAR is left out: The image needs", told)
    assert re.search(r"done batch transform .* the same as judged", told)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["dataset"] == "36 series, simulated" and summary["endpoint"] is None
    assert summary["model"]["low"] < summary["model"]["value"] < summary["model"]["high"]
    cleaning = next((tmp_path / "work").rglob("cleaning.json"))
    assert set(json.loads(cleaning.read_text())) == {"shops-daily", "meters-monthly", "accounts-quarterly"}
    (plot,) = (tmp_path / "work").glob("pareto-simulated-36-*.svg")
    assert plot.read_text().startswith("<svg")
