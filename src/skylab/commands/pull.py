"""`skylab image pull`: the libraries of AWS's images, into the Python that Skylab runs in.

Where Docker would download a whole image, a program of ours stands in for it and lacks at most its library: PyTorch,
say. The libraries are those of pyproject.toml's extras. A system names its images in images.txt.
"""

import sys
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from skylab.commands import systems
from skylab.root import Refused
from skylab.services.sagemaker.jobs import runtimes
from skylab.services.sagemaker.jobs.families import KNOWN, Family

NEEDED = "images.txt"


def needed(system: Path) -> list[str]:
    """The images that a system says it uses."""
    listed = system / NEEDED
    lines = listed.read_text().splitlines() if listed.is_file() else []
    return [line for line in (each.partition("#")[0].strip() for each in lines) if line]


def lacking(images: Iterable[str]) -> list[Family]:
    """Those whose library is not installed. Raises Refused for an image that is not known."""
    found = {}
    for image in images:
        if (family := runtimes.family(image)) is None:
            raise Refused(f"The image {image} is not known here. Known images: {KNOWN}.")
        if runtimes.installed(family) is None:
            found[family.name] = family
    return list(found.values())


def pull(families: list[Family], log: Path, progress: Callable[[str], None]) -> None:
    """Installs their libraries. log: where pip's output goes if it fails. Raises Refused."""
    wanted = sorted({each for family in families for each in _requirements(family.extra)})
    libraries = ", ".join(dict.fromkeys(family.library for family in families))
    systems.install(Path(sys.executable), wanted, f"what the images need ({libraries})", Path.cwd(), log, progress)


def notices(images: Iterable[str]) -> list[str]:
    """Where what is installed is another version than the image's own; jobs log the same."""
    return list(dict.fromkeys(notice for image in images if (notice := runtimes.resolve(image).notice)))


def _requirements(extra: str) -> list[str]:
    try:
        known = requires("skylab") or []
    except PackageNotFoundError:
        raise Refused(f"Skylab is not installed here: run `pip install -e '.[{extra}]'` in its checkout.") from None
    apart = (each.partition(";") for each in known)
    return [name.strip() for name, _, marker in apart if marker.strip() == f'extra == "{extra}"']
