"""A process folder from its start to its end, without a crash (tests/crash has those)."""

import json
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from compute.programs import marked, python, run, shell, started, until
from skylab.compute.pipes import Pipe
from skylab.compute.processes import Launch

both = pytest.mark.parametrize("sandbox", [True, False], ids=["sandboxed", "bare"])


def test_a_launch_is_the_same_after_its_json():
    launch = Launch(["a"], {"A": "1"}, hosts={"algo-1": "127.0.0.11"}, pipes=[Pipe("/opt/ml/input/data/x", ["f"])])

    assert Launch.from_json(launch.to_json()) == launch


@both
def test_the_ending_has_the_exit_code_and_the_times(processes, sandbox):
    ending, said = run(processes, shell("echo hello; echo there >&2; exit 3", sandbox=sandbox))

    assert (ending.exit_code, ending.ok, said) == (3, False, "hello\nthere\n")
    assert processes.began("run") == ending.started <= ending.ended


@both
def test_a_program_that_a_signal_ends_has_its_negative_number(processes, sandbox):
    ending, _ = run(processes, shell("kill -SEGV $$", sandbox=sandbox))

    assert ending.exit_code == -11


def test_the_environment_is_complete_and_nothing_is_inherited(processes, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")

    _, said = run(processes, python("import os; print(sorted(os.environ))", env={"A": "1", "LC_ALL": "C"}))

    assert said == "['A', 'LC_ALL']\n"


@both
@pytest.mark.parametrize(("argv", "code"), [(["/nowhere/train"], 127), (["/etc/passwd"], 126), (["a\0b"], 126)])
def test_a_program_that_cannot_be_run_ends_as_in_a_shell_and_says_why(processes, argv, code, sandbox):
    ending, said = run(processes, Launch(argv, sandbox=sandbox))

    assert ending.exit_code == code
    assert said.startswith(argv[0])


@both
def test_a_program_that_begins_in_a_folder_that_is_missing_says_so(processes, sandbox):
    ending, said = run(processes, shell("true", cwd="/nowhere", sandbox=sandbox))

    assert (ending.exit_code, said) == (127, "/nowhere: No such file or directory\n")


def test_a_process_that_never_was_is_lost_and_one_that_runs_has_no_ending(processes):
    assert processes.ending("never").exit_code is None
    assert processes.began("never") is None

    processes.start("job/algo-1", shell("sleep 60"))

    assert processes.alive("job/algo-1")
    assert processes.ending("job/algo-1") is None


def test_a_second_start_changes_nothing(processes):
    launch = shell("echo once")
    run(processes, launch)

    assert run(processes, replace(launch, argv=["sh", "-c", "echo twice"]))[1] == "once\n"


def test_a_forgotten_process_leaves_nothing_and_its_sisters_are_kept(processes):
    for id in ("job/algo-1", "job/algo-2"):
        run(processes, shell("true"), id)

    processes.forget("job/algo-1")
    assert processes.began("job/algo-1") is None and processes.began("job/algo-2")

    processes.forget("job/algo-2")
    processes.forget("job/algo-2")
    assert list(processes.root.iterdir()) == []


@pytest.mark.parametrize("id", ["", "..", "a/../../b", "/etc", "a//b"])
def test_an_id_cannot_leave_the_root(processes, id):
    with pytest.raises(ValueError, match="no id"):
        processes.start(id, shell("true"))


@both
def test_a_soft_stop_lets_the_program_end_in_its_own_way_and_is_sent_once(processes, sandbox):
    script = "trap 'echo saving; sleep 0.2; exit 7' TERM; echo ready; while :; do sleep 0.02; done"
    started(processes, shell(script, sandbox=sandbox))

    ending = until(lambda: processes.stop("run", hard=False) or processes.ending("run"))

    assert ending.exit_code == 7
    assert processes.log("run").read_text().count("saving") == 1


@both
def test_a_stop_reaches_a_program_that_is_just_starting(processes, sandbox):
    processes.start("run", shell("sleep 60", sandbox=sandbox))

    ending = until(lambda: processes.stop("run", hard=False) or processes.ending("run"))

    assert ending.exit_code == -15


@both
def test_a_program_that_ignores_sigterm_dies_by_the_hard_stop(processes, sandbox):
    started(processes, shell("trap 'echo no' TERM; echo ready; while :; do sleep 0.02; done", sandbox=sandbox))

    processes.stop("run", hard=False)
    until(lambda: "no" in processes.log("run").read_text())
    assert processes.ending("run") is None

    processes.stop("run", hard=True)
    assert until(lambda: processes.ending("run")).exit_code == -9


DAEMON = (
    "import os, time; os.fork() and os._exit(0); os.setsid(); os.closerange(3, 99); "
    "print('ready', flush=True); time.sleep(60)"
)


@both
def test_a_hard_stop_also_ends_a_daemon_in_a_session_of_its_own(processes, sandbox, tmp_path):
    mark = f"{tmp_path}-daemon"
    started(processes, shell(f'{sys.executable} -c "{DAEMON}" {mark}; sleep 60', sandbox=sandbox))
    assert marked(mark)

    processes.stop("run", hard=True)

    until(lambda: processes.ending("run"))
    assert marked(mark) == []


@both
def test_when_the_program_ends_nothing_that_it_started_is_alive(processes, sandbox, tmp_path):
    mark = f"{tmp_path}-left"

    ending, _ = run(processes, shell(f'{sys.executable} -c "{DAEMON}" {mark}; exit 4', sandbox=sandbox))

    assert ending.exit_code == 4
    assert marked(mark) == []


@both
def test_orphans_are_reaped_while_the_program_runs(processes, sandbox):
    started(processes, shell("(sleep 0.05 & ); (sleep 0.05 & ); echo ready; sleep 60", sandbox=sandbox))
    init = str(json.loads((processes.root / "run" / "pid").read_text())["init"])

    until(lambda: children(init) == ["S"])


def children(parent):
    """The states of its children: S sleeps, Z is dead and was not reaped."""
    states = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, above = stat.read_text().rpartition(")")[2].split()[:2]
            states += [state] if above == parent else []
    return states


@both
def test_cpus_are_a_limit_and_never_more_than_the_machine_has(processes, sandbox):
    count = "import os; print(len(os.sched_getaffinity(0)))"
    host = len(os.sched_getaffinity(0))

    assert run(processes, python(count, cpus=1, sandbox=sandbox), "one")[1] == "1\n"
    assert run(processes, python(count, cpus=999, sandbox=sandbox), "all")[1] == f"{host}\n"


@both
def test_memory_is_a_limit(processes, sandbox):
    ending, said = run(processes, python("b = bytearray(300 << 20)", memory=200 << 20, sandbox=sandbox))

    assert ending.exit_code == 1
    assert "MemoryError" in said
