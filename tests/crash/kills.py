"""A cloud that is killed at a step of the work that it was asked for, and how often that work ran.

A child opens the cloud, asks for the work, and ends itself by SIGKILL at the step that a test names. What it had
started goes on; the next cloud takes it over. What runs says so by a connection: it sees no file of the test.
"""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import skylab
from skylab.cloud import Cloud
from skylab.settings import Settings

SOURCE = str(Path(skylab.__file__).parents[1])
TESTS = str(Path(__file__).parents[1])

DYING = """
import json, os, signal, sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from conftest import connect
from skylab.cloud import Cloud
from skylab.compute import processes
from skylab.kernel import store
from skylab.services.sagemaker.jobs import delivery, joblogs
from skylab.services.sagemaker.hosting import fleet
from skylab.services.sagemaker.jobs import work as any_work
from skylab.services.sagemaker.processing import job as processing_job
from skylab.services.sagemaker.debugger import work as rules
from skylab.services.sagemaker.training import job, work
from skylab.services.sagemaker.transform import feeding
from skylab.services.sagemaker.transform import job as transform_job
from skylab.services.sagemaker.transform import work as transform_work
from skylab.settings import Settings

def end():
    os.kill(os.getpid(), signal.SIGKILL)

root, durability, operation, given, owner, name, when = json.loads(sys.argv[3])
cloud = Cloud(Path(root), Settings(durability=durability, fallback=False))
sagemaker = connect(cloud, "sagemaker")
if owner:
    place = eval(owner)
    real = getattr(place, name)

    def step(*given, **more):
        if when == "before":
            end()
        real(*given, **more)
        end()

    setattr(place, name, step)
getattr(sagemaker, operation)(**given)
if not owner:
    end()
cloud.start()
time.sleep(60)
"""


class Counter:
    """How often somebody said that it runs."""

    def __init__(self):
        self.count = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                self._listening.accept()[0].close()
                self.count += 1

    def close(self):
        self._listening.close()


@pytest.fixture
def counter():
    with contextlib.closing(Counter()) as counter:
        yield counter


def named(step):
    return "-".join(part for part in step if part).replace("processes.LocalProcesses", "process") or "acknowledged"


def killed(tmp_path, durability, operation, given, step):
    """The cloud's folder after a death at that step."""
    told = json.dumps([str(tmp_path / "root"), durability, operation, given, *step])
    argv = [sys.executable, "-c", DYING, SOURCE, TESTS, told]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=50)
    assert ended.returncode == -9, ended.stderr
    return Cloud(tmp_path / "root", Settings(durability=durability, fallback=False, describe_hold_seconds=30))


def prepared(tmp_path, durability="kill"):
    return Cloud(tmp_path / "root", Settings(durability=durability, fallback=False, describe_hold_seconds=0))
