"""Kill -9 at any moment: a program runs at most once, and its end is known or known to be lost."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from compute.programs import marked, python, run, shell, started, until

import skylab
from skylab.compute.processes import LocalProcesses

SOURCE = str(Path(skylab.__file__).parents[1])
both = pytest.mark.parametrize("sandbox", [True, False], ids=["sandboxed", "bare"])


def pids(processes, id="run"):
    return until(lambda: (f := processes.root / id / "pid").exists() and json.loads(f.read_text()))


@pytest.fixture
def shared(tmp_path):
    """A folder that the test and the program both see."""
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


def starts(counter):
    return len(counter.read_text().splitlines()) if counter.exists() else 0


@both
def test_a_restarted_supervisor_adopts_a_running_program(processes, shared, sandbox):
    gate = shared / "gate"
    script = f"echo ready; while [ ! -e {gate} ]; do sleep 0.02; done; echo done; exit 5"
    started(processes, shell(script, sandbox=sandbox, writes=[str(shared)]))

    again = LocalProcesses(processes.root)
    assert again.alive("run") and again.ending("run") is None
    gate.touch()

    assert until(lambda: again.ending("run")).exit_code == 5
    assert again.log("run").read_text() == "ready\ndone\n"


@both
def test_a_program_outlives_the_supervisor_that_is_killed_and_runs_once(processes, shared, sandbox):
    """The crash between start and record: the restarted supervisor starts it again, and nothing happens."""
    counter, gate = shared / "counter", shared / "gate"
    script = f"echo x >> {counter}; echo ready; while [ ! -e {gate} ]; do sleep 0.02; done; exit 6"
    supervisor = f"""
import os, pathlib, signal, sys
sys.path[:0] = [{SOURCE!r}, {str(Path(__file__).parents[1])!r}, *{sys.path!r}]
from compute.programs import shell
from skylab.compute.processes import LocalProcesses
launch = shell({script!r}, sandbox={sandbox}, writes={[str(shared)]})
LocalProcesses(pathlib.Path({str(processes.root)!r})).start("run", launch)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", supervisor])
    assert killed.returncode == -signal.SIGKILL

    processes.start("run", shell(script, sandbox=sandbox, writes=[str(shared)]))
    until(lambda: starts(counter))
    gate.touch()
    ending = until(lambda: processes.ending("run"))
    processes.start("run", shell(script, sandbox=sandbox, writes=[str(shared)]))

    assert ending.exit_code == 6
    assert starts(counter) == 1


@both
@pytest.mark.parametrize("moment", [0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.05])
def test_a_kill_at_any_moment_of_the_start_runs_the_program_at_most_once(processes, shared, moment, sandbox):
    """All processes of the start are killed, the supervisor included; then it is started anew until it has ended."""
    counter = shared / "counter"
    launch = python(f"open({str(counter)!r}, 'a').write('x\\n')", sandbox=sandbox, writes=[str(shared)])
    processes.unsandboxed  # asked before, so that the moment falls into the start
    supervisor = os.fork()
    if not supervisor:
        os.setsid()
        processes.start("run", launch)
        os._exit(0)
    with pytest.raises(AssertionError):
        until(lambda: False, seconds=moment)
    os.kill(supervisor, signal.SIGKILL)
    os.waitpid(supervisor, 0)
    for pid in marked(str(processes.root)):
        with contextlib.suppress(ProcessLookupError):  # it may have ended since
            os.kill(pid, signal.SIGKILL)

    until(lambda: not processes.alive("run"))
    processes.start("run", launch)
    ending = until(lambda: processes.ending("run"))

    assert starts(counter) == (1 if ending.ok else starts(counter)) <= 1
    assert ending.exit_code in (0, None, -9)


@both
def test_when_the_runner_is_killed_the_program_dies_with_it_and_is_lost_not_stuck(processes, tmp_path, sandbox):
    mark = f"{tmp_path}-program"
    started(processes, python("import time; print('ready', flush=True); time.sleep(60)", mark, sandbox=sandbox))

    os.kill(pids(processes)["runner"], signal.SIGKILL)

    ending = until(lambda: processes.ending("run"))
    assert ending.exit_code is None and not ending.ok
    assert ending.started == processes.began("run")
    until(lambda: marked(mark) == [])
    run(processes, shell("echo again"))
    assert "again" not in processes.log("run").read_text()


@both
def test_when_runner_and_program_are_killed_the_process_is_lost(processes, sandbox):
    started(processes, shell("echo ready; sleep 60", sandbox=sandbox))

    for pid in pids(processes).values():
        os.kill(pid, signal.SIGKILL)

    assert until(lambda: processes.ending("run")).exit_code is None


@both
def test_when_only_the_program_is_killed_its_ending_says_so(processes, tmp_path, sandbox):
    mark = f"{tmp_path}-program"
    started(processes, python("import time; print('ready', flush=True); time.sleep(60)", mark, sandbox=sandbox))

    for pid in marked(mark):
        os.kill(pid, signal.SIGKILL)

    assert until(lambda: processes.ending("run")).exit_code == -9


def test_what_survives_its_runner_without_a_sandbox_is_ended_and_the_process_is_lost(processes, tmp_path):
    """Children of the program hold the lock they inherited: the run is alive as long as they are."""
    mark = f"{tmp_path}-child"
    child = f"{sys.executable} -c 'import time; print(\"ready\", flush=True); time.sleep(60)' {mark}"
    started(processes, shell(f"{child} & wait", sandbox=False))
    os.kill(pids(processes)["runner"], signal.SIGKILL)
    until(lambda: len(marked(mark)) == 1)  # the shell, whose command line has the mark too, is gone

    assert processes.alive("run") and processes.ending("run") is None

    assert until(lambda: processes.ending("run")).exit_code is None
    assert marked(mark) == []


def test_a_hard_stop_does_not_kill_a_stranger_that_has_the_pid_by_now(processes):
    run(processes, shell("true"))
    until(lambda: not processes.alive("run"))
    stranger = subprocess.Popen(["sleep", "60"])
    (processes.root / "run" / "pid").write_text(json.dumps({"runner": stranger.pid, "init": stranger.pid}))

    processes.stop("run", hard=False)
    processes.stop("run", hard=True)

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_hard_stop_kills_only_who_holds_the_lock_and_not_who_looks_at_it(processes):
    """This process has the file open, as everyone who asks has for a moment."""
    run(processes, shell("true"))
    until(lambda: not processes.alive("run"))
    lock = processes.root / "run" / "lock"
    looking = os.open(lock, os.O_RDWR)
    bystander = subprocess.Popen(["sleep", "60"], pass_fds=[looking])
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"

    processes.stop("run", hard=True)

    assert holder.wait(10) == -signal.SIGKILL
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    holder.stdout.close()
    os.close(looking)


HOLD = """import fcntl, sys, time
fcntl.flock(file := open(sys.argv[1]), fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_asking_whether_something_runs_does_not_keep_it_from_starting(processes, tmp_path):
    (processes.root / "run").mkdir(parents=True)
    asking = os.open(processes.root / "run" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(asking, fcntl.LOCK_SH)
    threading.Timer(0.2, os.close, [asking]).start()

    run(processes, shell("exit 3"))

    assert until(lambda: processes.ending("run")).exit_code == 3
