"""systems/fraud: its own tests, the handbook's transactions where they are here, the whole run in a running Skylab."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = REPOSITORY / "systems" / "fraud"
SKYLAB = [sys.executable, "-m", "skylab.cli"]


def python(*argv: object, interpreter: object = sys.executable, limit: int = 280) -> str:
    """Run a script of the system as a user does; its output, or a failure that shows it."""
    done = subprocess.run(
        [str(interpreter), *map(str, argv)],
        cwd=SYSTEM,
        capture_output=True,
        text=True,
        timeout=limit,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_its_own_tests_pass() -> None:
    assert " passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")


def test_the_simulator_runs_alone(tmp_path: Path) -> None:
    argv = ("--days", 20, "--customers", 300, "--terminals", 600, "--to", tmp_path / "few.parquet")
    assert re.search(
        r"1\d,\d{3} transactions, \d\.\d+% fraud \(scenario 1: \d+, scenario 2", python("data/simulate.py", *argv)
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--nab", "nowhere"], "nowhere is not NAB's folder"),
        (["--nab", "x", "--data", "x", "--summary", "y"], "it takes no --data, --summary"),
        (["--data", "nowhere"], "nowhere has no handbook_sim_"),
        (["--small", "--folds", "9"], "room for 3 folds, not for 9"),
    ],
)
def test_bad_input_is_told_in_a_sentence_before_anything_is_asked_of_a_cloud(argv: list[str], said: str) -> None:
    done = subprocess.run([sys.executable, "run.py", *argv], cwd=SYSTEM, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


def real() -> Path:
    """shared/data/fraud: named by SKYLAB_SHARED, or in a folder shared/ beside the repository or above it."""
    named = [Path(os.environ["SKYLAB_SHARED"])] if "SKYLAB_SHARED" in os.environ else []
    for shared in [*named, *(parent / "shared" for parent in REPOSITORY.parents)]:
        if list((shared / "data" / "fraud").glob("handbook_sim_*.parquet")):
            return shared / "data" / "fraud"
    pytest.skip("shared/data/fraud is not here: set SKYLAB_SHARED to the folder that has data/fraud")


LIKE_THE_HANDBOOKS = """
import sys
sys.path[:0] = ["data", "steps", "model"]
from pathlib import Path
import polars as pl
import simulate, tables
theirs = tables.load(Path(sys.argv[1]))
ours = simulate.simulate(days=91)
for name, table in {"theirs": theirs.table, "ours": ours}.items():
    kinds = [(table["TX_FRAUD_SCENARIO"] == kind).mean() for kind in (1, 2, 3)]
    print(name, len(table) / 91, table["TX_AMOUNT"].mean(), table["TX_AMOUNT"].std(), *kinds)
fold = theirs.fold(70)
print("fold", len(fold.test), int(theirs.truth(fold.test).sum()))
"""


@pytest.mark.slow
def test_simulated_transactions_are_like_the_handbooks_own() -> None:
    told = python("-c", LIKE_THE_HANDBOOKS, real())
    theirs, ours, fold = (list(map(float, line.split()[1:])) for line in told.splitlines())
    assert ours == pytest.approx(theirs, rel=0.12)
    assert fold == [58_348, 442]  # train 2018-06-10 to 16, test 2018-06-24 to 30, by the handbook's own code


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_trains_judges_registers_and_compares_two_variants_in_a_running_cloud(tmp_path: Path) -> None:
    interpreter = REPOSITORY / ".venvs" / "fraud" / "bin" / "python"
    if not interpreter.exists():
        pytest.skip(f"{interpreter} is missing: make .venvs/fraud")
    root = str(tmp_path / "root")
    subprocess.run([*SKYLAB, "up", "--root", root, "--port", "0", "--detach"], check=True, timeout=60)
    try:
        inside = [*SKYLAB[1:], "exec", "--root", root, "--", interpreter]
        small = ["run.py", "--small", "--draws", 20, "--delete", "--work", tmp_path / "work"]
        told = python(*inside, *small, "--summary", tmp_path / "summary.json", limit=540)

        assert len(re.findall(r"done train members", told)) == 2
        assert "fraud-detectors/1, fraud-detectors/2" in told
        assert re.search(r"Verdict at 5%, both questions together: (no|the) difference", told.replace("\n", " "))
        assert "failed" not in told
        said = json.loads((tmp_path / "summary.json").read_text())
        assert said["measure"] == "average precision" and said["model"]["value"] > said["floor"]["value"] > 0
        assert said["endpoint"] is None and said["dollars"] > 0
    finally:
        subprocess.run([*SKYLAB, "down", "--root", root], check=True, timeout=60)
