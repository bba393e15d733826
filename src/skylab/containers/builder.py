"""Builds an image from a Dockerfile: step by step, each in the sandbox, over the layers of the steps before it.

A step's layer is named by a digest of all that it depends on: the layers below, the words of the step, what it copies.
So a step that was built before is not built again, whatever image it was for.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skylab.compute import processes
from skylab.compute.processes import SOURCE, Launch, Processes
from skylab.containers import bases, dockerfile, image
from skylab.containers.context import Context
from skylab.containers.dockerfile import SHELL, Malformed, Stage, Step
from skylab.containers.image import Image
from skylab.containers.layers import Layers, name

COPYING = str(Path(SOURCE, "skylab", "images", "copying.py"))
LOOK = 0.02
MOST = 40  # layers: the kernel takes their names in one page


class Failed(Exception):
    """The image could not be built; the text says where, and why."""


@dataclass(frozen=True)
class Terms:
    """args: --build-arg. cached: steps may be taken from earlier builds. target: the stage to stop at.
    known: an image of AWS or of the registry -> what it is; None: unknown. say: told of every step, and its words."""

    known: Callable[[str], Image | None]
    say: Callable[[str], None]
    args: Mapping[str, str]
    cached: bool = True
    target: str = ""


class Builder:
    def __init__(self, layers: Layers, processes: Processes, terms: Terms) -> None:
        self.layers, self.processes, self.terms = layers, processes, terms
        self._built: dict[str, Image] = {}  # stages by name and by number

    def build(self, folder: Path, file: Path) -> Image:
        """Raises Malformed, Failed."""
        stages, context = dockerfile.read(file.read_bytes(), self.terms.args), Context(folder)
        for number, stage in enumerate(stages):
            built = self._stage(stage, context)
            self._built |= {str(number): built} | ({stage.name: built} if stage.name else {})
            if stage.name and stage.name == self.terms.target.lower():
                return built
        if self.terms.target:
            raise Malformed(f"The Dockerfile has no stage {self.terms.target}.")
        return built

    def _stage(self, stage: Stage, context: Context) -> Image:
        self.terms.say(f"FROM {stage.base}{f' AS {stage.name}' if stage.name else ''}")
        base = self._base(stage.base)
        dockerfile.evaluate(stage, _config(base), self.terms.args)
        layers = base.layers
        for number, step in enumerate(stage.steps, 1):
            self.terms.say(f"[{number}/{len(stage.steps)}] {step.text}")
            layers = self._step(step, replace(base, layers=layers), context)
        if len(layers) > MOST:
            raise Failed(
                f"An image can have {MOST} steps that change files here, and this has {len(layers)}: join some."
            )
        return _image(stage.config, layers)

    def _base(self, name: str) -> Image:
        if name.lower() in self._built:
            return self._built[name.lower()]
        if (base := bases.find(name)) is not None:
            self.terms.say(f"  {base.notice}")
            digest = image.digest(json.dumps([base.layer, bases.system()]).encode())
            if not self.layers.has(digest):
                self._make(digest, Image(), Launch(list(base.layer), {"PATH": bases.PATH}, "/"), [])
            return replace(base.image, layers=[digest])
        if (known := self.terms.known(name)) is not None:
            return known
        every = ", ".join(bases.NAMES)
        raise Failed(
            f"FROM {name}: without Docker or Podman an image begins from {every}, from an image of SageMaker that is "
            "known here, or from one that was built before."
        )

    def _step(self, step: Step, below: Image, context: Context) -> list[str]:
        """The layers with the step's own on top."""
        copied = "" if not step.sources else self._stage_digest(step) or context.digest(step.sources)
        about = [below.layers, step.kind, step.workdir, step.user, step.argv, dict(step.env), copied]
        about += [step.sources, step.target, step.chmod]
        digest = image.digest(json.dumps(about).encode())
        remote = any(source.startswith(("http://", "https://")) for source in step.sources)
        if self.terms.cached and not remote and self.layers.has(digest):
            self.terms.say("  cached")
        elif step.kind == "RUN":
            self._make(digest, below, self._run(step), [])
        elif step.kind == "WORKDIR":
            self._make(digest, below, _copying("/", (), step.workdir), [])
        else:
            self._copy(digest, step, below, context)
        return [*below.layers, digest]

    def _stage_digest(self, step: Step) -> str:
        """What a copy from another stage or image depends on; "": it copies from the context."""
        return image.digest(json.dumps(self._base(step.stage).layers).encode()) if step.stage else ""

    def _run(self, step: Step) -> Launch:
        argv = list(step.argv)
        if step.user not in ("", "root", "0"):
            if os.geteuid():
                raise Failed(f"USER {step.user}: only root can build as another user; leave the RUN before the USER.")
            argv = ["setpriv", f"--reuid={step.user.partition(':')[0]}", "--clear-groups", *argv]
        return Launch(argv, dict(step.env), step.workdir)

    def _copy(self, digest: str, step: Step, below: Image, context: Context) -> None:
        with TemporaryDirectory(prefix="skylab-copy-") as folder:
            if step.stage:
                self._export(step, Path(folder))
            else:
                context.take([each for each in step.sources if "://" not in each], Path(folder))
            order = _copying(folder, step.sources, step.target, step.chmod, unpack=step.kind == "ADD")
            self._make(digest, below, order, [folder])

    def _export(self, step: Step, folder: Path) -> None:
        """What is copied out of another stage, brought to a folder of the host by a program that sees that stage."""
        source = self._base(step.stage)
        if source.whole:
            raise Failed(f"COPY --from={step.stage}: it was built by Docker, which has to build this as well.")
        for each in step.sources:
            below = os.path.dirname(each.strip("/"))
            script = 'mkdir -p "$1" && cp -a "/$2" "$1/"' if each.strip("/") else 'cp -a /. "$1/"'
            argv = ["sh", "-c", f"umask 0; {script}", "copy", str(folder / below), each.strip("/")]
            told = processes.Image(str(self.layers.folder), [name(layer) for layer in source.layers])
            launch = Launch(argv, {"PATH": bases.PATH}, "/", writes=[str(folder)], image=told)
            run(self.processes, "export", launch, self.terms.say)

    def _make(self, digest: str, below: Image, launch: Launch, reads: list[str]) -> None:
        """Runs the program over the layers below; what it changes becomes the layer."""
        if below.whole:
            raise Failed("This image brings a system of its own: Docker or Podman has to build on it.")
        draft, names = self.layers.draft(digest), [name(layer) for layer in below.layers]
        over = processes.Image(str(self.layers.folder), names, upper=str(draft))
        packaging = [path for path in bases.PACKAGING if os.path.exists(path)]
        env = {"HOME": "/root"} | launch.env
        launch = replace(launch, env=env, image=over, reads=[*reads, *packaging])
        run(self.processes, name(digest), launch, self.terms.say)
        self.layers.keep(digest)


def run(processes: Processes, id: str, launch: Launch, say: Callable[[str], None]) -> None:
    """Runs a program to its end, and says what it says meanwhile. Raises Failed."""
    id, offset, ending, pause = f"{os.getpid()}/{id}", 0, None, threading.Event()
    processes.start(id, launch)
    try:
        while ending is None:
            ending = processes.ending(id)
            said = processes.log(id).read_bytes()[offset:]
            end = len(said) if ending else said.rfind(b"\n") + 1
            for line in said[:end].decode(errors="replace").splitlines():
                say(f"  {line}")
            offset += end
            pause.wait(0 if ending else LOOK)
    except BaseException:
        processes.stop(id, hard=True)
        raise
    processes.forget(id)
    if not ending.ok:
        raise Failed(f"The step failed with exit code {ending.exit_code}.")


def _copying(folder: str, sources: tuple[str, ...], target: str, chmod: str = "", unpack: bool = False) -> Launch:
    order = {"from": folder, "sources": sources, "target": target, "chmod": chmod, "unpack": unpack}
    return Launch([sys.executable, "-I", "-S", COPYING, json.dumps(order)], {"PATH": bases.PATH}, "/")


def _config(base: Image) -> dict[str, Any]:
    config: dict[str, Any] = {"Env": base.env, "WorkingDir": base.workdir, "User": base.user, "Labels": base.labels}
    return config | {"Entrypoint": base.entrypoint, "Cmd": base.command, "Shell": SHELL}


def _image(config: Mapping[str, Any], layers: list[str]) -> Image:
    return Image(
        layers,
        config["Env"],
        config.get("Entrypoint", []),
        config.get("Cmd", []),
        config["WorkingDir"],
        config["User"],
        config["Labels"],
        config.get("ExposedPorts", {}),
    )
