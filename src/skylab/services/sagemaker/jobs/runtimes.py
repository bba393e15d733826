"""Which of our programs stands in for an image of AWS: an ECR address in, what to run out.

The account and the region of an address do not matter, the repository and the tag do. Libraries are not imported to
learn their versions.
"""

import re
import sys
import sysconfig
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from skylab.compute import processes
from skylab.compute.world import World
from skylab.containers import bases, layers
from skylab.containers.image import BASE, Image
from skylab.services.sagemaker.jobs import custom
from skylab.services.sagemaker.jobs.custom import Pull
from skylab.services.sagemaker.jobs.families import BUILT_IN, FAMILIES, KNOWN, NOT_OFFERED, Family, metrics
from skylab.wire.errors import AwsError, invalid

PACKAGE = Path(__file__).parents[4]  # the folder that `import skylab` looks in


@dataclass(frozen=True)
class Runtime:
    """What runs for an image.

    asked, installed: versions of the library; asked is "" where the tag names none.
    train, serve, process: the programs; empty where the image has none but what a job names.
    named: what starts a program that a job names.
    commands: what stands in for programs that the image has in its PATH, by name.
    env: variables that all of them need, under those of the job.
    image: of one's own, whose files the program sees; then cwd is its working folder.
    listens: its server has port 8080, and knows nothing of a Unix socket.
    metrics: the MetricDefinitions that the image has when no script is given.
    notice: a line for the job's log where the versions differ, else "".
    """

    name: str
    asked: str
    installed: str
    train: list[str]
    serve: list[str]
    process: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    commands: dict[str, list[str]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    metrics: list[dict[str, str]] = field(default_factory=list)
    notice: str = ""
    image: Image | None = None
    cwd: str | None = None
    listens: bool = False

    def layers(self, root: Path) -> processes.Image | None:
        """What a launch is told of the image. root: the cloud's folder."""
        if self.image is None:
            return None
        names = [layers.name(digest) for digest in self.image.layers]
        return processes.Image(str(root.absolute() / custom.FOLDER), names, self.image.whole)

    def exposed(self, world: World, socket: Path, isolated: bool) -> processes.Exposed | None:
        """The network of a server that knows nothing of the socket; from it, the cloud is reached, unless isolated."""
        port = None if isolated else urlsplit(world.endpoint).port
        return processes.Exposed(str(socket), doors=[port] if port else []) if self.listens else None


def resolve(uri: str, pull: Pull | None = None) -> Runtime:
    """pull: brings an image of one's own. Raises AwsError (ValidationException) for an image that is not known, or
    whose library is not installed."""
    (repository, tag), of = _parts(uri), family(uri)
    if of is None:
        if pull is not None and (image := pull(uri)) is not None:
            return _own(repository, image)
        raise _unknown(uri, repository)
    asked, found = _asked(of, repository, tag), installed(of)
    if found is None:
        lack = f"The image needs {of.library}, which is not installed: run `skylab image pull {repository}`."
        raise AwsError("ValidationException", lack)
    stands_in = asked and _minor(asked) != _minor(found)
    return Runtime(
        name=of.name,
        asked=asked,
        installed=found,
        train=_program("train", of),
        serve=_program("serve", of),
        process=[sys.executable, "-m", of.process] if of.process else [],
        named=[sys.executable, "-m", "skylab.images.process"],
        commands={name: [sys.executable, "-m", module] for name, module in of.commands},
        env=_env(),
        metrics=metrics(of.name),
        notice=f"{of.library} {found} stands in for the {asked} that the image asks for" if stands_in else "",
    )


def family(uri: str) -> Family | None:
    """Of the images of AWS that a program of ours stands in for."""
    repository, _ = _parts(uri)
    return next((each for each in FAMILIES if each.repositories.fullmatch(repository)), None)


def installed(family: Family) -> str | None:
    """The version of its library; None: it is not installed."""
    for package in family.packages:
        try:
            return version(package).partition("+")[0]
        except PackageNotFoundError:
            continue
    return None


def _unknown(uri: str, repository: str) -> AwsError:
    if NOT_OFFERED.fullmatch(repository):
        return invalid(
            f"The built-in algorithm {repository} is not offered here. Built-in algorithms here: {BUILT_IN}."
        )
    return invalid(
        f"The image {uri} is not known here. Known images: {KNOWN}; and those that `skylab image build` has put "
        "into ECR."
    )


def _own(name: str, image: Image) -> Runtime:
    """docker run IMAGE train: ENTRYPOINT train. Where an image of AWS is below, and ENTRYPOINT is AWS's still, its
    programs run over the image's files."""
    if (base := image.labels.get(BASE)) and not image.entrypoint:
        below = resolve(base)
        return replace(below, env=below.env | image.env, image=image, cwd=image.workdir)
    start, env = list(image.entrypoint), {"PATH": bases.PATH} | image.env
    train, serve, process = [*start, "train"], [*start, "serve"], [*start, *image.command]
    return Runtime(name, "", "", train, serve, process, env=env, image=image, cwd=image.workdir, listens=True)


def _parts(uri: str) -> tuple[str, str]:
    """(repository without registry, tag) of [registry/]repository[:tag][@digest]."""
    path = uri.partition("@")[0].rpartition("/")[2]
    repository, _, tag = path.partition(":")
    return repository, tag


def _asked(family: Family, repository: str, tag: str) -> str:
    """1.7-1 of 1.7-1-cpu-py3, 2.1.0 of 2.1.0-cpu-py310; the first images of xgboost were 0.72 and tagged 1."""
    if repository == "xgboost":
        return "0.72"
    if not family.tagged:
        return ""
    found = re.match(r"\d+\.\d+(\.\d+|-\d+)?", tag)
    return found.group() if found else ""


def _minor(number: str) -> list[str]:
    return re.split("[.-]", number)[:2]


def _program(verb: str, family: Family) -> list[str]:
    return [sys.executable, "-m", f"skylab.images.{verb}", family.name] if verb in family.verbs else []


def _env() -> dict[str, str]:
    """A job inherits nothing, so it must be told where we are when we run from a checkout."""
    found = PACKAGE == Path(sysconfig.get_path("purelib"))
    return {"PYTHONUNBUFFERED": "1"} | ({} if found else {"PYTHONPATH": str(PACKAGE)})
