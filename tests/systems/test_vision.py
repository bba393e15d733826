"""systems/vision: its own tests, its real pictures where they are, its roles, and the whole run in a running Skylab."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from conftest import connect

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = REPOSITORY / "systems" / "vision"
SKYLAB = [sys.executable, "-m", "skylab.cli"]
ACCOUNT, REGION = "000000000000", "us-east-1"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"


def python(*argv: object, interpreter: object = sys.executable, seconds: float = 110) -> str:
    """Run a script of the system as a user does; its output, or a failure that shows it."""
    done = subprocess.run([interpreter, *map(str, argv)], cwd=SYSTEM, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def surfaces() -> Path:
    """shared/data/vision/neu_surface: of SKYLAB_SHARED, or of a folder shared/ beside the repository or above."""
    named = [Path(os.environ["SKYLAB_SHARED"])] if "SKYLAB_SHARED" in os.environ else []
    for shared in [*named, *(parent / "shared" for parent in REPOSITORY.parents)]:
        if (found := shared / "data" / "vision" / "neu_surface" / "train").is_dir():
            return found
    pytest.skip("shared/data/vision is not here: set SKYLAB_SHARED to the folder that has data/vision")


def test_the_pictures_and_the_numbers_are_right() -> None:
    assert " passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", "--ignore=tests/test_model.py")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_model_is_trained_exported_and_served() -> None:
    assert " passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_model.py", seconds=280)


def test_the_generator_makes_its_pictures_alone(tmp_path: Path) -> None:
    assert re.search(r"14 pictures in", python("data/synthetic.py", "--count", 14, "--to", tmp_path))
    assert (tmp_path / "pictures.npz").exists()


def test_real_pictures_are_split_in_halves_and_the_floor_has_nine_in_ten(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    told = python("steps/prepare.py", "--raw", surfaces(), "--out", tmp_path)
    assert "train: 360 pictures" in told and "test: 450 pictures of 6 classes" in told
    code = (
        "import sys; sys.path.insert(0, 'model'); import numpy as np, floor\n"
        f"one, other = (np.load(f'{tmp_path}/{{part}}/pictures.npz') for part in ('train', 'test'))\n"
        "found = floor.scores(one['images'], one['labels'], 6, other['images']).argmax(1)\n"
        "print((found == other['labels']).mean())"
    )
    assert 0.9 < float(python("-c", code)) < 0.99


def the_roles(cloud):
    spec = importlib.util.spec_from_file_location("vision_roles", SYSTEM / "roles.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module.make(connect(cloud, "iam"), ACCOUNT, REGION, BUCKET)


def denied(attempt, action, **request):
    with pytest.raises(ClientError) as error:
        attempt(**request)
    assert f"not authorized to perform: {action}" in error.value.response["Error"]["Message"]


def test_each_role_does_its_own_part_and_no_more(cloud):
    roles, root = the_roles(cloud), connect(cloud, "s3")
    for key in ("vision/1/models/x/model.tar.gz", "vision/1/asked/a", "vision/1/raw/a.png", "others/secret"):
        root.put_object(Bucket=BUCKET, Key=key, Body=b"1")

    jobs = cloud.assume("s3", REGION, roles.jobs, "job")
    jobs.put_object(Bucket=BUCKET, Key="vision/1/prepared/test/pictures.npz", Body=b"2")
    denied(jobs.put_object, "s3:PutObject", Bucket=BUCKET, Key="vision/1/raw/b.png", Body=b"2")
    denied(jobs.get_object, "s3:GetObject", Bucket=BUCKET, Key="others/secret")

    serving = cloud.assume("s3", REGION, roles.endpoint, "endpoint")
    assert serving.get_object(Bucket=BUCKET, Key="vision/1/asked/a")["Body"].read() == b"1"
    serving.put_object(Bucket=BUCKET, Key="vision/1/answers/a.out", Body=b"3")
    denied(serving.get_object, "s3:GetObject", Bucket=BUCKET, Key="vision/1/raw/a.png")
    denied(serving.put_object, "s3:PutObject", Bucket=BUCKET, Key="vision/1/models/x/model.tar.gz", Body=b"")


def interrupted(argv: list[object], step: str) -> tuple[int, str]:
    """Ctrl-C, two seconds after that step is done; how the run ended, and what it told."""
    told = []
    with subprocess.Popen(
        [*map(str, argv)], cwd=SYSTEM, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        for line in run.stdout or ():
            told.append(line)
            if line.startswith(f"done {step}"):
                time.sleep(2)
                run.send_signal(signal.SIGINT)
    return run.returncode, "".join(told)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_trains_registers_judges_and_answers_in_a_running_cloud(tmp_path: Path) -> None:
    interpreter = REPOSITORY / ".venvs" / "vision" / "bin" / "python"
    if not interpreter.exists():
        pytest.skip(f"{interpreter} is missing: make .venvs/vision")
    root = str(tmp_path / "root")
    subprocess.run([*SKYLAB, "up", "--root", root, "--port", "0", "--detach"], check=True, timeout=60)
    small = ["--epochs", 2, "--trials", 2, "--tune-epochs", 1, "--each", 8, "--test", 35, "--turned", 40]
    inside = [*SKYLAB[1:], "exec", "--root", root, "--", interpreter, "run.py", "--work", tmp_path / "work"]
    try:
        told = python(*inside, *small, seconds=500)
        assert "2 instance(s)" in told and "40 pictures on two instances" in told
        assert re.search(r"model-package/vision-ensemble/1, approved", told)
        endpoint = re.search(r"Endpoint (vision-ensemble-[\d-]+) is up", told)
        assert endpoint, told

        python("data/synthetic.py", "--count", 1, "--to", tmp_path / "look", "--png", interpreter=interpreter)
        picture = tmp_path / "look" / "0000-none.png"
        assert '"label"' in python(*inside, "--ask", endpoint[1], "--picture", picture)

        code, told = interrupted([sys.executable, *inside, *small, "--delete"], "prepare")
        assert code == 130 and re.search(r"Stopped: vision-tune-[\d-]+\. Left: objects in s3://", told), told
    finally:
        subprocess.run([*SKYLAB, "down", "--root", root], check=True, timeout=60)
