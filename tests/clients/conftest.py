"""Programs of ordinary users, unmodified, against a running Skylab, as `skylab exec` runs them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

VENVS = Path(__file__).resolve().parents[2] / ".venvs"
SKYLAB = [sys.executable, "-m", "skylab.cli"]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="package")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run a command against a Skylab of its own."""
    root = str(tmp_path_factory.mktemp("cloud") / "root")
    subprocess.run([*SKYLAB, "up", "--root", root, "--port", "0", "--detach"], check=True, timeout=60)
    yield lambda *argv, **more: subprocess.run(
        [*SKYLAB, "exec", "--root", root, "--", *map(str, argv)], capture_output=True, text=True, timeout=280, **more
    )
    subprocess.run([*SKYLAB, "down", "--root", root], check=True, timeout=60)


@pytest.fixture
def tool() -> Callable[[str, str], Path]:
    """A program of an environment that is made apart, since its pins differ from ours."""

    def find(environment: str, program: str = "python") -> Path:
        found = VENVS / environment / "bin" / program
        if not found.exists():
            pytest.skip(f"{found} is missing: make .venvs/{environment}/stamp")
        return found

    return find
