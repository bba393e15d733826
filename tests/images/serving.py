"""A model server as a process, its caller over AF_UNIX, and the models that it serves."""

import http.client
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy
import xgboost

from .conftest import table

ECHO = """
def model_fn(model_dir):
    return "model of " + model_dir[-5:]
def input_fn(body, content_type):
    return body
def predict_fn(data, model):
    return data
def output_fn(prediction, accept):
    return prediction
"""


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)

    def ask(self, method="POST", path="/invocations", body=None, **headers):
        self.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.getresponse()
        return answer.status, answer.read(), answer


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
    return found


@contextmanager
def serving(job, family="sklearn", **env):
    path = str(job.base.parent / "s")
    process = subprocess.Popen(
        [sys.executable, "-m", "skylab.images.serve", family],
        env=job.environment | {"SKYLAB_SERVE_SOCKET": path} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(lambda: os.path.exists(path) or process.poll() is not None)
        assert process.poll() is None, process.stdout.read()
        caller = Unix(path)
        caller.process = process
        yield caller
        caller.close()
    finally:
        process.kill()
        process.communicate()


def failing(job, family="sklearn", **env):
    done = subprocess.run(
        [sys.executable, "-m", "skylab.images.serve", family],
        env=job.environment | {"SKYLAB_SERVE_SOCKET": str(job.base.parent / "s")} | env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


def script(job, text, **others):
    folder = job.base / "model" / "code"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inference.py").write_text(text)
    for name, body in others.items():
        (folder / f"{name}.txt").write_text(body)


def boosted(job, objective="binary:logistic", **params):
    rows = table()
    if objective.startswith("multi:"):
        rows[:, 0] = numpy.digitize(rows[:, 1], [-0.5, 0.5])
    data = xgboost.DMatrix(rows[:, 1:], label=rows[:, 0])
    booster = xgboost.train({"objective": objective, "max_depth": 3, **params}, data, 10)
    (job.base / "model").mkdir(parents=True, exist_ok=True)
    (job.base / "model" / "xgboost-model").write_bytes(booster.save_raw("ubj"))
    return booster, rows[:, 1:]


def lines(rows):
    return "\n".join(",".join(repr(float(cell)) for cell in row) for row in rows)
