"""Real programs in real process folders, ended by the fixture whatever the test did."""

import os
import sys
import time

import pytest

from skylab.compute.processes import Launch, LocalProcesses

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@pytest.fixture
def processes(tmp_path):
    made = LocalProcesses(tmp_path / "runs")
    yield made
    for lock in (tmp_path / "runs").glob("**/lock"):
        id = str(lock.parent.relative_to(tmp_path / "runs"))
        until(lambda id=id: made.stop(id, hard=True) or not made.alive(id))


@pytest.fixture
def sandboxed(processes):
    """Processes of a machine whose kernel lets them have namespaces."""
    if reason := processes.unsandboxed:
        pytest.skip(reason)
    return processes


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "ml"
    folder.mkdir()
    return folder


def until(condition, seconds=20):
    """The only place where tests wait: for the first value of condition that is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
    return value


def shell(script, **more):
    return Launch(["sh", "-c", script], **{"env": {"PATH": PATH}} | more)


def python(code, *argv, **more):
    return Launch([sys.executable, "-I", "-S", "-c", code, *argv], **{"env": {"PATH": PATH}} | more)


def run(processes, launch, id="run"):
    """Runs it to its end: the ending and what it said."""
    processes.start(id, launch)
    ending = until(lambda: processes.ending(id))
    return ending, processes.log(id).read_text()


def started(processes, launch, id="run"):
    """Starts it, and waits until it has said that it is ready."""
    processes.start(id, launch)
    until(lambda: processes.log(id).exists() and "ready" in processes.log(id).read_text())


def marked(mark):
    """The machine's processes whose command line has this mark; a zombie has no command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                line = file.read()
        except OSError:
            continue
        if mark in line:
            found.append(int(pid))
    return found
