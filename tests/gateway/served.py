"""A server of its own, and clients that come to it through its socket."""

import os
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

import skylab
from skylab.root import Root

SOURCE = str(Path(skylab.__file__).parents[1])
ENVIRON = {"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, "NO_COLOR": "1", "COLUMNS": "200", "HOME": "/nonexistent"}
MB = 2**20


def run(root, *words):
    argv = [sys.executable, "-m", "skylab.cli", *words]
    environ = ENVIRON | {"SKYLAB_ROOT": str(root), "SKYLAB_FALLBACK": "0"}
    return subprocess.run(argv, capture_output=True, text=True, env=environ, timeout=60)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("server") / "root"
    said = run(path, "up", "--root", str(path), "--port", "0", "--detach")
    assert said.returncode == 0, said.stderr
    yield path
    run(path, "down")


def made(root, service="s3", **config):
    key, server = Root(root).credentials(), Root(root).running()
    config.setdefault("s3", {"addressing_style": "path"})
    return boto3.client(
        service, endpoint_url=server.url, region_name=key.region, aws_access_key_id=key.key,
        aws_secret_access_key=key.secret, aws_session_token=key.token,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )  # fmt: skip


@pytest.fixture
def client():
    """client(root, service, **config), closed when the test ends."""
    with ExitStack() as stack:
        yield lambda *given, **config: stack.enter_context(closing(made(*given, **config)))


@pytest.fixture(scope="module")
def s3(root):
    with closing(made(root)) as s3:
        s3.create_bucket(Bucket="box")
        yield s3
