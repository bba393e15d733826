"""`skylab run all`: every system runs, whatever becomes of the others, and one table says what they reached."""

import json
import os
import subprocess
import sys

import pytest
from commanded import ENVIRON, skylab
from test_cli import root  # noqa: F401  (fixture)

from skylab.commands import suite, systems
from skylab.root import Refused

SAID = {
    "dataset": "simulated",
    "measure": "AUC",
    "floor": {"name": "a rule", "value": 0.5, "low": 0.4, "high": 0.6},
    "model": {"name": "a tree", "value": 0.91234, "low": 0.9, "high": 0.92},
    "better": "higher",
    "verdict": "approved",
    "endpoint": None,
    "dollars": 0.01,
}
SOURCE = os.path.abspath("src")
WRITES = f"import json, sys; open(sys.argv[sys.argv.index('--summary') + 1], 'w').write({json.dumps(SAID)!r})"


def run(tmp_path, **programs):
    """What `suite.run` returns for systems whose programs are lines of Python; None: one that cannot be prepared."""

    def start(system, summary):
        if programs[system.name] is None:
            raise Refused("The disk is full.")
        return [sys.executable, "-c", programs[system.name], "--summary", str(summary)], os.environ

    return suite.run({name: tmp_path / name for name in programs}, start)


def test_one_table_tells_what_each_reached_and_what_became_of_those_that_failed(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")

    failed = run(tmp_path, first="raise SystemExit(3)", good=WRITES, mute="pass", unprepared=None)

    out = capsys.readouterr().out
    assert failed == 3
    rows = {line.split("│")[1].strip(): line for line in out.splitlines() if line.startswith("│")}
    assert list(rows) == ["first", "good", "mute", "unprepared"]
    assert "failed: exit code 3" in rows["first"]
    assert "a rule 0.500 (0.400 to 0.600)" in rows["good"] and "a tree 0.912 (0.900 to 0.920)" in rows["good"]
    assert "AUC, higher is better" in rows["good"] and "approved" in rows["good"] and "0:0" in rows["good"]
    assert "failed: it left no summary" in rows["mute"]
    assert "failed: The disk is full." in rows["unprepared"]
    assert "1 of 4 systems ran to their end" in out and "`skylab run first`" in out


def test_what_a_system_says_is_shown_as_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")

    def start(system, summary):
        raise Refused(f"pip could not install skylab[torch]: see [/work/y] of {system.name}.")

    assert suite.run({"a": tmp_path / "a"}, start) == 1
    assert "failed: pip could not install skylab[torch]: see [/work/y] of a." in capsys.readouterr().out


def test_ctrl_c_lets_the_system_tidy_up_and_shows_what_was_reached(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "220")
    tidies = f"import os, time; os.kill(os.getppid(), 2); time.sleep(0.6); open({str(tmp_path / 'tidy')!r}, 'w')"

    with pytest.raises(SystemExit) as ended:
        run(tmp_path, good=WRITES, slow=tidies, never=WRITES)

    out = capsys.readouterr().out
    assert ended.value.code == 130 and (tmp_path / "tidy").exists()
    assert "a tree 0.912" in out and "failed: interrupted" in out and "never" not in out
    assert "1 of 3 systems ran to their end" in out


def test_a_summary_that_is_none_counts_as_a_failure(tmp_path, capsys):
    cut, other = (f"import sys; open(sys.argv[-1], 'w').write({said!r})" for said in ('{"dataset', '{"floor": 1}'))

    assert run(tmp_path, cut=cut, other=other) == 2
    assert capsys.readouterr().out.count("its summary") == 2


def test_run_all_runs_every_system_of_the_directory_and_its_exit_code_tells_of_failures(root, tmp_path):  # noqa: F811
    for name, program in {
        "a": "raise SystemExit(1)",
        "b": f"{WRITES}; import os; os.environ['AWS_ENDPOINT_URL']",
    }.items():
        folder = tmp_path / "systems" / name
        folder.mkdir(parents=True)
        (folder / "run.py").write_text(f"import sys; print('{name} got', sys.argv[1]); {program}")
        made = systems.Environment(folder)
        (made.folder / "bin").mkdir(parents=True)
        made.python.symlink_to(sys.executable)
        (made.folder / "stamp").write_text(made.stamp())
    argv = [sys.executable, "-m", "skylab.cli", "run", "all", "--root", str(root), "--quick"]

    done = subprocess.run(argv, capture_output=True, text=True, env=ENVIRON | {"PYTHONPATH": SOURCE}, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (1, "")
    assert "a got --quick" in done.stdout and "b got --quick" in done.stdout
    assert "1 of 2 systems ran to their end" in done.stdout and "`skylab run a`" in done.stdout


def test_run_all_takes_no_data_of_one_system(root, tmp_path):  # noqa: F811
    refused = skylab(root, "run", "all", "--data", str(tmp_path))

    assert refused.returncode == 2
    assert (
        refused.stderr
        == "skylab: --data is of one system, and each wants other files: name the system instead of all.\n"
    )
