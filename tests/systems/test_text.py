"""systems/text: its own tests, masking on a published set, and the whole run against a running Skylab."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = REPOSITORY / "systems" / "text"
OWN = REPOSITORY / ".venvs" / "text" / "bin" / "python"
SKYLAB = [sys.executable, "-m", "skylab.cli"]


def python(*argv: object, interpreter: object = OWN, seconds: int = 280) -> str:
    """Run a script of the system as a user does; its output, or a failure that shows it."""
    done = subprocess.run(
        [str(interpreter), *map(str, argv)], cwd=SYSTEM, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def own() -> None:
    if not OWN.exists():
        pytest.skip(f"{OWN} is missing: skylab run text makes it")


def published() -> Path:
    """shared/data/text: named by SKYLAB_SHARED, or in a folder shared/ beside the repository or above it."""
    named = [Path(os.environ["SKYLAB_SHARED"])] if "SKYLAB_SHARED" in os.environ else []
    for shared in [*named, *(parent / "shared" for parent in REPOSITORY.parents)]:
        if (shared / "data" / "text" / "pii_presidio_generated_large.json.gz").exists():
            return shared / "data" / "text"
    pytest.skip("shared/data/text is not here: set SKYLAB_SHARED to the folder that has data/text")


@pytest.mark.timeout(280)
def test_texts_normalisation_floor_and_calibration_pass_their_own_tests() -> None:
    told = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_model.py", interpreter=sys.executable)

    assert " passed" in told


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_its_own_tests_pass() -> None:
    own()
    if subprocess.run([OWN, "-c", "import pytest"], capture_output=True).returncode:
        pytest.skip("pytest is not in .venvs/text")
    assert " passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_masking_is_above_the_published_baseline(tmp_path: Path) -> None:
    """F2 .845 for Presidio customised with a transformer, presidio-research's notebook 5."""
    own()
    told = python("masking/judge.py", "--data", published(), "--keep", tmp_path)

    assert float(re.search(r"published set: f2 +([\d.]+)", told)[1]) >= 0.845


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_masks_trains_judges_registers_deploys_and_answers_in_a_running_cloud(tmp_path: Path) -> None:
    own()
    root = str(tmp_path / "root")
    subprocess.run([*SKYLAB, "up", "--root", root, "--port", "0", "--detach"], check=True, timeout=120)
    cloud = [*SKYLAB[1:], "exec", "--root", root, "--", OWN]
    inside = [*cloud, "run.py", "--work", tmp_path / "work"]
    try:
        small = ("--most", 10, "--epochs", 1, "--frozen", 5)
        told = python(*inside, *small, interpreter=sys.executable, seconds=800)
        assert "macro F1, both - floor" in told and "8 bits: 23 MB instead of 91" in told
        assert "text-router/1 approved" in told and "Endpoint text-aws is up" in told
        masked = (tmp_path / "work" / "aws" / "train" / "train.jsonl").read_text()
        assert "<PERSON>" in masked and "@example" not in masked
        text = "I am Ana Ruiz, call 555-123-4567: my queue loses messages"
        asked = python(*inside, "--ask", "text-aws", "--text", text, interpreter=sys.executable)
        assert "Ruiz" not in asked and "<CONTACT>" in asked and '"label"' in asked
        delete = "import boto3; boto3.client('sagemaker').delete_endpoint(EndpointName='text-aws')"
        python(*cloud, "-c", delete, interpreter=sys.executable)  # or it would go on serving
    finally:
        subprocess.run([*SKYLAB, "down", "--root", root], check=True, timeout=120)
