"""Processes of the command line and of a server with a fake cloud inside."""

import os
import subprocess
import sys
from pathlib import Path

FAKE = Path(__file__).parent / "fakecloud.py"
ENVIRON = {"PATH": os.environ["PATH"], "PYTHONPATH": "src", "NO_COLOR": "1", "COLUMNS": "200", "HOME": "/nonexistent"}


def launch(root, *more):
    argv = [sys.executable, str(FAKE), str(root), *more]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRON)


def skylab(root, *words, **environ):
    argv = [sys.executable, "-m", "skylab.cli", *words]
    environ = ENVIRON | {"SKYLAB_ROOT": str(root)} | environ
    return subprocess.run(argv, capture_output=True, text=True, env=environ, timeout=60)
