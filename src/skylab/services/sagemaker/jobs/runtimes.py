"""Which of our programs stands in for an image of AWS: an ECR address in, what to run out.

The account and the region of an address do not matter, the repository and the tag do. Libraries are not imported to
learn their versions.
"""

import re
import sys
import sysconfig
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from skylab.services.sagemaker.jobs.families import BUILT_IN, FAMILIES, KNOWN, NOT_OFFERED, Family, metrics
from skylab.wire.errors import AwsError, invalid

PACKAGE = Path(__file__).parents[4]  # the folder that `import skylab` looks in


@dataclass(frozen=True)
class Runtime:
    """What runs for an image.

    asked, installed: versions of the library; asked is "" where the tag names none.
    train, serve: the programs. env: variables that both need, under those of the job.
    metrics: the MetricDefinitions that the image has when no script is given.
    notice: a line for the job's log where the versions differ, else "".
    """

    name: str
    asked: str
    installed: str
    train: list[str]
    serve: list[str]
    env: dict[str, str] = field(default_factory=dict)
    metrics: list[dict[str, str]] = field(default_factory=list)
    notice: str = ""


def resolve(uri: str) -> Runtime:
    """Raises AwsError (ValidationException) for an image that is not known, or whose library is not installed."""
    repository, tag = _parts(uri)
    family = next((each for each in FAMILIES if each.repositories.fullmatch(repository)), None)
    if family is None and NOT_OFFERED.fullmatch(repository):
        raise invalid(f"The built-in algorithm {repository} is not offered here. Built-in algorithms here: {BUILT_IN}.")
    if family is None:
        raise invalid(f"The image {uri} is not known here. Known images: {KNOWN}.")
    asked, installed = _asked(family, repository, tag), _installed(family)
    stands_in = asked and _minor(asked) != _minor(installed)
    return Runtime(
        name=family.name,
        asked=asked,
        installed=installed,
        train=_program("train", family),
        serve=_program("serve", family),
        env=_env(),
        metrics=metrics(family.name),
        notice=f"{family.library} {installed} stands in for the {asked} that the image asks for" if stands_in else "",
    )


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


def _installed(family: Family) -> str:
    for package in family.packages:
        try:
            return version(package).partition("+")[0]
        except PackageNotFoundError:
            continue
    raise AwsError(
        "ValidationException",
        f"The image needs {family.library}, which is not installed: pip install 'skylab[{family.extra}]'",
    )


def _minor(number: str) -> list[str]:
    return re.split("[.-]", number)[:2]


def _program(verb: str, family: Family) -> list[str]:
    return [sys.executable, "-m", f"skylab.images.{verb}", family.name]


def _env() -> dict[str, str]:
    """A job inherits nothing, so it must be told where we are when we run from a checkout."""
    found = PACKAGE == Path(sysconfig.get_path("purelib"))
    return {"PYTHONUNBUFFERED": "1"} | ({} if found else {"PYTHONPATH": str(PACKAGE)})
