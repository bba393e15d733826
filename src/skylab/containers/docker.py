"""Docker or Podman, where one runs: it builds, and what it has built becomes one layer, a whole system of its own."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from skylab.compute.processes import Launch, Processes
from skylab.containers import image
from skylab.containers.builder import Failed, run
from skylab.containers.image import WHOLE, Image
from skylab.containers.layers import Layers, name

ASKED = 10  # seconds to find out whether its service runs


def find(names: tuple[str, ...] = ("docker", "podman")) -> str | None:
    """The program whose service answers."""
    for program in names:
        if path := shutil.which(program):
            try:
                asked = subprocess.run([path, "info"], capture_output=True, timeout=ASKED)
            except (OSError, subprocess.TimeoutExpired):
                continue
            if asked.returncode == 0:
                return path
    return None


def build(program: str, folder: Path, file: Path, tag: str, args: Mapping[str, str], more: list[str]) -> None:
    """Says what it says. Raises Failed."""
    given = [word for name, value in args.items() for word in ("--build-arg", f"{name}={value}")]
    argv = [program, "build", "--file", str(file), "--tag", tag, *given, *more, str(folder)]
    if subprocess.run(argv).returncode:
        raise Failed(f"{Path(program).name} could not build it.")


def take(program: str, tag: str, layers: Layers, processes: Processes, say: Callable[[str], None]) -> Image:
    """What was built under the tag, as an image of ours. Raises Failed."""
    config = json.loads(_said([program, "image", "inspect", tag]))[0]
    digest = image.digest(config["Id"].encode())
    if not layers.has(digest):
        say(f"  Taking over {tag} …")
        _extract(program, tag, digest, layers, processes, say)
    told = config["Config"]
    return Image(
        [digest],
        dict(each.split("=", 1) for each in told.get("Env") or []),
        told.get("Entrypoint") or [],
        told.get("Cmd") or [],
        told.get("WorkingDir") or "/",
        told.get("User") or "",
        {**(told.get("Labels") or {}), WHOLE: "true"},
        told.get("ExposedPorts") or {},
    )


def _extract(
    program: str, tag: str, digest: str, layers: Layers, processes: Processes, say: Callable[[str], None]
) -> None:
    """In the sandbox: an archive of a stranger's, with links that may lead anywhere."""
    draft = layers.draft(digest)
    archive = draft.with_suffix(".tar")
    container = _said([program, "create", tag, "train"]).strip()  # a word, as SageMaker gives: an image may have no CMD
    try:
        _said([program, "export", "--output", str(archive), container])
        argv = ["tar", "--extract", "--no-same-owner", "--exclude=dev/*", f"--file={archive}", f"--directory={draft}"]
        launch = Launch(argv, {"PATH": "/usr/bin:/bin"}, "/", reads=[str(archive)], writes=[str(draft)])
        run(processes, name(digest), launch, say)
        layers.keep(digest)
    finally:
        archive.unlink(missing_ok=True)
        _said([program, "rm", container])


def _said(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"`{' '.join(argv[:3])}` failed: {done.stderr.strip()}")
    return done.stdout
