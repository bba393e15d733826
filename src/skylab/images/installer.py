"""Installs requirements from wheels into a folder, running nothing of what it installs.

    python -I installer.py FOLDER [OPTION OF PIP…] -- REQUIREMENT…

Run by the platform in a sandbox of its own, for an environment that many jobs share. pip's own Python sees what is
installed here, so that only what is missing is fetched, and never the folder: what a wheel brings cannot be what pip
imports next (https://github.com/pypa/pip/issues/13079 was such a case), nor do its .pth files run. --only-binary does
not hold for what a wheel requires by its address, so pip is kept from starting anything, a build above all.
"""

import importlib.util
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system")
PIP = f"""
import runpy, sys
sys.executable = sys.argv.pop(1)  # scripts name the Python that pip runs in: this one will not last, and we run in ours
def alone(event, told):
    if event in {STARTS}:
        raise PermissionError(1, "nothing is built here: pip may start no program")
sys.addaudithook(alone)
runpy.run_module("pip", run_name="__main__")
"""
OPTIONS = (
    "--isolated --no-input --no-cache-dir --disable-pip-version-check --progress-bar=off --no-warn-script-location "
    "--only-binary=:all:"
).split()


def main(folder: str, asked: list[str]) -> int:
    with tempfile.TemporaryDirectory() as place:
        python = overlay(Path(place))
        argv = [python, "-I", "-c", PIP, sys.executable, "install", *OPTIONS, "--prefix", folder, *asked]
        code = subprocess.run(argv, check=False).returncode
    if code == 0:
        Path(folder, "ready").write_text(packages(Path(folder)) + "\n")
        os.sync()  # it is renamed into place next, and has to be whole also after a power cut
    return code


def overlay(folder: Path) -> str:
    """Makes a venv that sees the packages of the one we run in; its Python."""
    without = ["--without-pip"] if importlib.util.find_spec("pip") else []
    subprocess.run([sys.executable, "-I", "-m", "venv", *without, str(folder)], check=True)
    (folder / packages(folder) / "_base.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return str(folder / "bin" / "python")


def packages(folder: Path) -> str:
    """Where packages lie in it, from it."""
    own = sysconfig.get_path("purelib", scheme="venv", vars={"base": str(folder), "platbase": str(folder)})
    return str(Path(own).relative_to(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
