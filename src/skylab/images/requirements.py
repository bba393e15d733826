"""requirements.txt, installed once: the shared environment of the platform (cached.py), or one of the job's own.

What is not plain (options, URLs, paths), has no wheels or is configured by the job is the job's own: a venv that sees
the packages of the one we run in, so that only what is missing is installed:

    requirements/<key>.lock    held by the process that installs; others wait for it
    requirements/<key>/        the venv; without `ready` in it, it is the draft of one that died, and made again
    requirements/<key>/ready   where its packages lie, seen from it; renamed into place last
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from skylab.images import cached, installer
from skylab.images.failures import command_failed

NAME = "requirements.txt"
CONFIGURED = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONSTRAINT")


def installed(code: Path) -> Path | None:
    """The environment with what code asks for; None when it asks for nothing.

    Raises JobFailed (InstallRequirementsError) with the last lines of pip.
    """
    asked = code / NAME
    if not asked.exists() or not (text := asked.read_text()).strip():
        return None
    if found := cached.shared(text):
        return found
    root = Path(os.environ.get("SKYLAB_CACHE") or Path.home() / ".cache" / "skylab") / "requirements"
    folder = root / _key(code)
    if not (folder / "ready").exists():
        root.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "ready").exists():
                _install(code, folder)
    return folder


def packages(folder: Path) -> str:
    return str(folder / (folder / "ready").read_text().strip())


def on_path(env: dict[str, str], code: Path, folder: Path | None) -> dict[str, str]:
    """env with the user's code first, then its requirements, then what was there."""
    paths = [str(code), packages(folder) if folder else "", env.get("PYTHONPATH", "")]
    changed = env | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    if folder:
        changed["PATH"] = os.pathsep.join(filter(None, [env.get("PATH", ""), str(folder / "bin")]))
    return changed


def _key(code: Path) -> str:
    """Of the text, the interpreter and the configured index; a local path in it counts with its content."""
    text = (code / NAME).read_text()
    told = [sys.version, sys.prefix, text, *(os.environ.get(name, "") for name in CONFIGURED)]
    digest = hashlib.sha256("\0".join(told).encode())
    for line in text.splitlines():
        named = line.partition("#")[0].strip().removeprefix("-e ").removeprefix("-r ").removeprefix("-c ").strip()
        if named and (path := code / named).exists():
            _add(digest, path)
    return digest.hexdigest()[:32]


def _add(digest: "hashlib._Hash", path: Path) -> None:
    for file in sorted(path.rglob("*") if path.is_dir() else [path]):
        if file.is_file() and not {"__pycache__", "build"} & set(file.parts) and ".egg-info" not in str(file):
            digest.update(f"{file.relative_to(path)}\0".encode() + file.read_bytes())


def _install(code: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    python = installer.overlay(folder)
    print("Installing dependencies from requirements.txt", flush=True)
    argv = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", NAME]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    pip = subprocess.run(argv, cwd=code, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(pip.stdout, end="", flush=True)
    if pip.returncode:
        shutil.rmtree(folder)
        said = "\n".join(pip.stdout.strip().splitlines()[-8:])
        raise command_failed("InstallRequirementsError", 1, said, "python -m pip install -r requirements.txt")
    draft = folder / "ready.draft"
    draft.write_text(installer.packages(folder))
    draft.rename(folder / "ready")
