"""Runs a module as `python -m` does and ends it (SIGTERM) once standard input closes: when its starter is gone.

A pipe does on every system what PR_SET_PDEATHSIG does on Linux, and it holds for kill -9 of the parent too.
"""

import os
import runpy
import signal
import sys
import threading


def tether() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=tether, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
