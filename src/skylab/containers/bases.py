"""The images that a Dockerfile may begin FROM without Docker: this machine's system, with a Python that is empty.

python, debian and ubuntu are all the system that Skylab runs on, which the build says. Their Python lies where the
image `python` has it, in /usr/local, and knows none of Skylab's packages: what a program needs, its Dockerfile has to
install, here as on AWS.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from skylab.containers.image import Image

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIBRARY = re.compile(r"(?:docker\.io/)?(?:library/)?|public\.ecr\.aws/docker/library/")
NAMES = ("python", "debian", "ubuntu")
PACKAGING = ("/var/lib/dpkg", "/var/lib/apt", "/etc/apt", "/etc/dpkg")  # what apt-get in a RUN finds
EMPTY = ("/var/cache/apt/archives/partial", "/var/log/apt", "/usr/src", "/srv", "/home", "/root")
MAKE = f"""
import os, venv
for folder in {EMPTY}:
    os.makedirs(folder, exist_ok=True)
venv.create("/usr/local", with_pip=True, symlinks=True)
"""


@dataclass(frozen=True)
class Base:
    """notice: what a user should know of it. layer: the program that makes its only layer, in the sandbox."""

    image: Image
    notice: str
    layer: tuple[str, ...]


def find(name: str) -> Base | None:
    """None: not one of these."""
    plain = LIBRARY.sub("", name, count=1)
    repository, _, tag = plain.partition(":")
    if repository not in NAMES:
        return None
    number = re.match(r"(\d+)\.(\d+)", tag) if repository == "python" else None
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    notice = f"{name} is this machine's {system()} with an empty Python {here}"
    if number and number.group() != here:
        notice += f", which stands in for the {number.group()} that it asks for"
    env = {"PATH": PATH, "LANG": "C.UTF-8"}
    command = ["python3"] if repository == "python" else ["bash"]
    python = os.path.join(sys.base_prefix, "bin", f"python{here}")
    return Base(Image(env=env, command=command), notice, (python, "-c", MAKE))


def system() -> str:
    """As /etc/os-release names it."""
    try:
        named = re.search(r'^PRETTY_NAME="?([^"\n]+)', Path("/etc/os-release").read_text(), re.MULTILINE)
    except OSError:
        named = None
    return named[1] if named else "system"
