"""How a program asks its platform for the shared environment of its requirements, and what it does without."""

import fcntl
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from compute.wheels import wheel

from .serving import serving


class Platform(ThreadingHTTPServer):
    """Answers with what the test has put in line, the last for ever."""

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), Asked)
        self.answers, self.asked = list(answers), []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/_skylab/requirements/task"


class Asked(BaseHTTPRequestHandler):
    def do_POST(self):
        text = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.asked.append((self.path, self.headers["authorization"], text))
        answers = self.server.answers
        body = json.dumps(answers.pop(0) if len(answers) > 1 else answers[0]).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def platform(job):
    """platform(*answers): the job asks there."""
    running = []

    def made(*answers):
        running.append(server := Platform(*answers))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        job.env |= {"SKYLAB_REQUIREMENTS": server.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "word"}
        return server

    yield made
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def shared(tmp_path):
    folder = tmp_path / "ready" / "key"
    (folder / "lib" / "tinypackage-1.0.dist-info").mkdir(parents=True)
    (folder / "lib" / "tinypackage.py").write_text("ANSWER = 'shared'")
    (folder / "ready").write_text("lib\n")
    return folder


@pytest.fixture
def asking(job, tmp_path):
    """A job that has tinypackage in its requirements; where it installs it itself, pip finds another one."""
    job.config(
        "hyperparameters", {"sagemaker_program": "train.py", "sagemaker_submit_directory": str(job.base / "source")}
    )
    job.code(train="import tinypackage\nprint('answer', tinypackage.ANSWER)\n", requirements="tinypackage\n")
    wheel(tmp_path / "wheels", "tinypackage", {"tinypackage.py": "ANSWER = 'own'"})
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {tmp_path}/wheels\n")
    job.env |= {"XDG_CONFIG_HOME": str(tmp_path)}
    return job


@pytest.fixture(autouse=True)
def unconfigured(monkeypatch, job):
    """The job of the other tests tells pip by its environment where to look; that would be the job's own wish here."""
    plain = {name: value for name, value in job.environment.items() if not name.startswith("PIP_")}
    monkeypatch.setattr(type(job), "environment", property(lambda self: plain | self.env))


def test_a_job_waits_for_the_shared_environment_and_uses_it(asking, platform, shared):
    server = platform({"state": "installing"}, {"state": "installing"}, {"state": "ready", "folder": str(shared)})

    code, log = asking.run("sklearn")

    assert code == 0 and "answer shared" in log, log
    assert "come from a shared environment: tinypackage-1.0" in log
    assert server.asked == [("/_skylab/requirements/task", "word", "tinypackage\n")] * 3


def test_what_is_refused_is_installed_for_the_job_alone_and_the_log_says_why(asking, platform):
    platform({"state": "refused", "message": "'-e .' is not a plain requirement"})

    code, log = asking.run("sklearn")

    assert code == 0 and "answer own" in log, log
    assert "this job's own, not cached: '-e .' is not a plain requirement" in log


def test_who_configures_pip_gets_what_he_configured(asking, platform, shared, tmp_path):
    server = platform({"state": "ready", "folder": str(shared)})
    asking.env |= {"PIP_FIND_LINKS": str(tmp_path / "wheels")}

    code, log = asking.run("sklearn")

    assert code == 0 and "answer own" in log and "not cached: PIP_FIND_LINKS of this job" in log, log
    assert not server.asked


@pytest.mark.parametrize(
    "answer", [{"code": "AccessDenied", "message": "no"}, "nonsense", {"state": "ready", "folder": "/no"}]
)
def test_a_platform_that_does_not_help_is_done_without(asking, platform, answer):
    platform(answer)

    code, log = asking.run("sklearn")

    assert code == 0 and "answer own" in log and "not cached: " in log, log


def test_nor_is_one_that_has_gone(asking):
    asking.env |= {"SKYLAB_REQUIREMENTS": "http://127.0.0.1:9/_skylab/requirements/task"}

    code, log = asking.run("sklearn")

    assert code == 0 and "answer own" in log and "not cached: it cannot be asked for" in log, log


def test_who_locks_an_environment_keeps_nobody_waiting(asking, platform, shared):
    platform({"state": "ready", "folder": str(shared)})
    held = os.open(shared, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)

    code, log = asking.run("sklearn")

    os.close(held)
    assert code == 0 and "answer own" in log, log


def test_it_is_locked_as_long_as_the_program_runs(asking, platform, shared):
    platform({"state": "ready", "folder": str(shared)})
    asking.code(
        train=f"""
import fcntl, os
try:
    fcntl.flock(os.open({str(shared)!r}, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("locked")
""",
        requirements="tinypackage\n",
    )

    assert "locked" in asking.run("sklearn")[1]


def test_a_replica_takes_the_same_way(asking, platform, shared):
    platform({"state": "installing"}, {"state": "ready", "folder": str(shared)})
    code = asking.base / "model" / "code"
    code.mkdir(parents=True)
    (code / "requirements.txt").write_text("tinypackage\n")
    (code / "inference.py").write_text(
        "import tinypackage\ndef model_fn(folder):\n    return tinypackage.ANSWER\n"
        "def input_fn(body, kind):\n    return body\ndef predict_fn(data, model):\n    return model\n"
        "def output_fn(found, accept):\n    return found\n"
    )

    with serving(asking) as caller:
        assert caller.ask(body=b"x", content_type="text/plain")[1] == b"shared"
