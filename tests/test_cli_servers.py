"""How the process of a server begins, what it refuses to begin with, and how it ends."""

import fcntl
import os
import signal
import socket
import time

import pytest
from commanded import launch, skylab

from skylab.commands import lifecycle
from skylab.compute.processes import Launch, LocalProcesses
from skylab.root import Refused, Root


def test_a_server_is_ready_within_two_seconds_and_ends_cleanly_on_sigterm(tmp_path):
    began = time.monotonic()
    with launch(tmp_path / "root", "0") as process:
        assert process.stdout.readline() == "started\n"
        assert process.stdout.readline().startswith("ready ")
        took = time.monotonic() - began
        assert Root(tmp_path / "root").server().pid == process.pid
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "stopped\n"

    assert process.returncode == 0
    assert took < 2  # one on an idle machine
    assert not (tmp_path / "root" / "server.json").exists()


def test_a_port_in_use_is_refused_in_one_sentence_also_detached(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        sentence = f"Port {port} of 127.0.0.1 cannot be used (address already in use): choose another with --port.\n"
        for flags in ([], ["--detach"]):
            said = skylab(tmp_path / "root", "up", "--port", port, *flags)
            assert (said.returncode, said.stdout, said.stderr) == (2, "", f"skylab: {sentence}")


def test_state_of_a_newer_version_is_refused(tmp_path):
    with launch(tmp_path / "root", "0", "toonew") as process:
        assert "written by a newer Skylab" in process.stdout.read()
    assert process.returncode == 2


def test_a_server_that_fails_its_health_check_ends_and_says_so(tmp_path):
    with launch(tmp_path / "root", "0", "broken") as process:
        assert "does not pass its own health check (HTTP/1.1 500" in process.stdout.read()
    assert process.returncode == 2


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()

    said = skylab(tmp_path / "file" / "root", "up", "--port", "0")

    assert said.returncode == 2
    assert "cannot be written (not a directory): choose another folder with --root." in said.stderr


def test_a_full_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 5 * 2**20}))
    with pytest.raises(Refused, match="has only 5 MB free: make room for at least 200 MB"):
        Root(tmp_path).prepare()


def test_a_server_json_whose_server_was_killed_deceives_nobody(tmp_path):
    with launch(tmp_path / "root", "0") as process:
        process.stdout.readline(), process.stdout.readline()
        process.kill()

    assert (tmp_path / "root" / "server.json").exists()
    assert Root(tmp_path / "root").server() is None
    assert skylab(tmp_path / "root", "status").returncode == 1
    assert "does not run" in skylab(tmp_path / "root", "down").stderr


def test_down_ends_the_server_and_waits_for_it(tmp_path):
    with launch(tmp_path / "root", "0") as process:
        process.stdout.readline(), process.stdout.readline()
        said = skylab(tmp_path / "root", "down")
        assert process.wait(5) == 0
        process.stdout.read()
    assert said.stdout.startswith("Skylab has stopped.")


def test_reset_kills_the_jobs_that_still_run_and_deletes_the_folder(tmp_path):
    root = Root(tmp_path / "root")
    processes = LocalProcesses(root.path / "runs")
    processes.start("job-1", Launch(["/bin/sleep", "1000"]))
    (root.path / "state.db").touch()
    (root.path / "lock").touch()
    assert lifecycle.orphans(root) == [root.path / "runs" / "job-1"]
    keeper = os.open(root.path / "runs" / "job-1" / "lock", os.O_RDONLY)  # outlives the folder: it shows who is left

    lifecycle.reset(root)

    assert not root.path.exists()
    fcntl.flock(keeper, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody
    os.close(keeper)
