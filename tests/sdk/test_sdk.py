"""Scripts of ordinary SDK users, unmodified, each in an environment of its own, against a running Skylab."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
VENVS = HERE.parents[1] / ".venvs"
SKYLAB = [sys.executable, "-m", "skylab.cli"]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run a command against a Skylab of its own, as `skylab exec` does for any user."""
    root = str(tmp_path_factory.mktemp("cloud") / "root")
    subprocess.run([*SKYLAB, "up", "--root", root, "--port", "0", "--detach"], check=True, timeout=60)
    yield lambda *argv: subprocess.run(
        [*SKYLAB, "exec", "--root", root, "--", *map(str, argv)], capture_output=True, text=True, timeout=280
    )
    subprocess.run([*SKYLAB, "down", "--root", root], check=True, timeout=60)


def python(name: str) -> Path:
    """The interpreter of an SDK's environment."""
    found = VENVS / name / "bin" / "python"
    if not found.exists():
        pytest.skip(f"{found} is missing: make .venvs/{name}")
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v3_trains_with_streamed_logs_deploys_asks_and_deletes(run: Run) -> None:
    done = run(python("sdk3"), HERE / "v3_model_trainer.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "agreement=" in done.stdout
    assert "accuracy=" in done.stdout + done.stderr, "the script's own log line was not streamed"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.xfail(strict=True, reason="v2 uploads its code with SSE-KMS, which S3 refuses until it really encrypts")
def test_the_sdk_v2_trains_in_script_mode_and_built_in_deploys_asks_and_deletes(run: Run) -> None:
    done = run(python("sdk2"), HERE / "v2_estimators.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "sklearn=" in done.stdout and "xgboost=" in done.stdout
    assert "accuracy=" in done.stdout, "the script's own log line was not streamed"
