"""Building an image and putting it into the cloud's registry: `skylab image build DIR -t URI`."""

import fcntl
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from skylab.commands.lifecycle import client
from skylab.compute.processes import LocalProcesses
from skylab.containers import docker, dockerfile, image
from skylab.containers.builder import Builder, Failed, Terms
from skylab.containers.dockerfile import Malformed
from skylab.containers.image import BASE, Image
from skylab.containers.layers import Layers
from skylab.root import Refused, Root
from skylab.services.sagemaker.common import SYSTEM
from skylab.services.sagemaker.jobs import runtimes
from skylab.wire.errors import AwsError

REGISTRY, REPOSITORY = r"(?:[\w.-]+(?:\.[\w.-]+|:\d+)/)?", r"(?P<repository>[a-z0-9][a-z0-9._/-]*)"
URI = re.compile(rf"{REGISTRY}{REPOSITORY}(?::(?P<tag>[\w.-]+))?")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """folder: of the Dockerfile and what it copies. uri: [registry/]repository[:tag]. builder: auto, skylab, docker or
    podman. arguments: NAME=value."""

    folder: Path
    uri: str
    file: Path | None = None
    target: str = ""
    cached: bool = True
    builder: str = "auto"
    arguments: Iterable[str] = field(default_factory=list)


def build(root: Root, wanted: Wanted, say: Say) -> str:
    """Builds it, and puts it into the registry: its whole URI with its digest. Raises Refused."""
    server, own = root.running(), root.credentials()
    repository, tag = _parts(wanted.uri)
    file = wanted.file or wanted.folder / "Dockerfile"
    if not file.is_file():
        raise Refused(f"There is no {file}: write one, or name another with --file.")
    registry = client(root, server, "ecr")
    layers = Layers(root.path / "images")
    with open(root.path / "images" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one build at a time: two of the same would build each step twice
        try:
            made = _built(root, layers, wanted, file, partial(_known, registry), say)
        except (Malformed, Failed) as problem:
            raise Refused(f"{file}: {problem}") from None
    _put(registry, repository, tag, made, layers)
    digest = image.digest(made.manifest({each: layers.size(each) for each in made.layers}).encode())
    return f"{own.account}.dkr.ecr.{own.region}.amazonaws.com/{repository}:{tag}@{digest}"


def _parts(uri: str) -> tuple[str, str]:
    if not (match := URI.fullmatch(uri)):
        raise Refused(f"{uri} is no name of an image: write it as in my-model:1.")
    return match["repository"], match["tag"] or "latest"


def _built(
    root: Root, layers: Layers, wanted: Wanted, file: Path, known: Callable[[str], Image | None], say: Say
) -> Image:
    processes = LocalProcesses(root.path / "images" / "builds", hidden=[root.path])
    _end_leftovers(processes)
    arguments = _arguments(wanted.arguments)
    program = _program(wanted.builder)
    if program and wanted.builder == "auto" and only_here(file, arguments, known):
        say("It begins from an image that only this cloud has, so Skylab builds it.")
        program = None
    if program:
        say(f"{Path(program).name} builds it.")
        more = (["--target", wanted.target] if wanted.target else []) + ([] if wanted.cached else ["--no-cache"])
        docker.build(program, wanted.folder, file, wanted.uri, arguments, more)
        return docker.take(program, wanted.uri, layers, processes, say)
    if processes.unsandboxed:
        raise Refused(f"An image is built in sandboxes, or by Docker, and there is neither. {processes.unsandboxed}")
    terms = Terms(known, say, arguments, wanted.cached, wanted.target)
    return Builder(layers, processes, terms).build(wanted.folder, file)


def _end_leftovers(processes: LocalProcesses) -> None:
    """Steps of a build that was killed."""
    for folder in processes.root.glob("*/*") if processes.root.is_dir() else ():
        id = str(folder.relative_to(processes.root))
        processes.stop(id, hard=True)
        processes.forget(id)


def _arguments(given: Iterable[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals and name not in os.environ:
            raise Refused(f"--build-arg {each} has no value: write NAME=value.")
        found[name] = value if equals else os.environ[name]
    return found


def _program(builder: str) -> str | None:
    """Docker's or Podman's program, where one is to build."""
    if builder not in ("auto", "skylab", "docker", "podman"):
        raise Refused(f"--builder {builder} is not known: write auto, skylab, docker or podman.")
    if builder == "skylab":
        return None
    program = docker.find(("docker", "podman") if builder == "auto" else (builder,))
    if program is None and builder != "auto":
        raise Refused(f"{builder} does not answer: start it, or leave --builder out.")
    return program


def only_here(file: Path, arguments: dict[str, str], known: Callable[[str], Image | None]) -> bool:
    """Whether a stage begins from what neither Docker nor Podman could pull."""
    try:
        stages = dockerfile.read(file.read_bytes(), arguments)
    except Malformed:  # to us; Docker may know what we do not
        return False
    names = {stage.name for stage in stages}
    return any(stage.base.lower() not in names and known(stage.base) is not None for stage in stages)


def _known(registry: Any, name: str) -> Image | None:
    """What FROM may name besides the bases: an image of AWS that a program of ours stands in for, or one of ours."""
    try:
        runtime = runtimes.resolve(name)
        path = os.pathsep.join([str(Path(sys.executable).parent), SYSTEM])
        return Image(env=runtime.env | {"PATH": path}, labels={BASE: name})
    except AwsError:
        pass
    if not (match := URI.fullmatch(name.partition("@")[0])):
        return None
    asked = {"imageDigest": name.partition("@")[2]} if "@" in name else {"imageTag": match["tag"] or "latest"}
    try:
        found = registry.batch_get_image(repositoryName=match["repository"], imageIds=[asked])["images"]
    except registry.exceptions.RepositoryNotFoundException:
        return None
    return image.read(found[0]["imageManifest"]) if found else None


def _put(registry: Any, repository: str, tag: str, made: Image, layers: Layers) -> None:
    manifest = made.manifest({each: layers.size(each) for each in made.layers})
    try:
        registry.create_repository(repositoryName=repository)
    except registry.exceptions.RepositoryAlreadyExistsException:
        pass
    try:
        registry.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)
    except registry.exceptions.ImageAlreadyExistsException:
        pass  # the same as last time
    except registry.exceptions.ImageTagAlreadyExistsException:
        raise Refused(f"{repository} does not let its tags move, and has {tag}: build under another tag.") from None
