"""Running one of the systems in systems/: its own virtual environment, then its run.py in the right surroundings."""

import hashlib
import os
import shlex
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import skylab
from skylab.root import FREE_BYTES, Refused

DISK = ("No space left", "Errno 28")
NETWORK = {"NewConnectionError", "NameResolutionError", "ProxyError", "ConnectTimeout", "ReadTimeout", "SSLError"}
NETWORK |= {"No matching distribution", "Could not find a version", "Temporary failure in name resolution"}


def find(name: str, start: Path) -> Path:
    """The folder of a system: in the current directory, else in the repository that Skylab was installed from."""
    known = {name: folder for place in reversed(_places(start)) for name, folder in place.items()}
    if name in known:
        return known[name]
    choice = f"choose one of {', '.join(sorted(known))}, or all" if known else "change to a checkout of Skylab's first"
    raise Refused(f"There is no system {name!r} here: {choice}.")


def every(start: Path) -> dict[str, Path]:
    """The folders of all systems, by name: those of the current directory, else of the repository. Raises Refused."""
    for place in _places(start):
        if place:
            return place
    raise Refused("There are no systems here: change to a checkout of Skylab's first.")


def _places(start: Path) -> list[dict[str, Path]]:
    places = [start / "systems", Path(skylab.__file__).parents[2] / "systems"]
    runs = [sorted(place.glob("*/run.py")) for place in places]
    return [{run.parent.name: run.parent for run in found if run.parent.name.isidentifier()} for found in runs]


class Environment:
    """.venvs/<system> beside systems/, made from its requirements.txt; a stamp says from which."""

    def __init__(self, system: Path) -> None:
        self.requirements = system / "requirements.txt"
        self.folder = system.parent.parent / ".venvs" / system.name
        self.python = self.folder / "bin" / "python"
        self.log = self.folder.with_name(f"{system.name}.log")

    def stamp(self) -> str:
        wanted = self.requirements.read_bytes() if self.requirements.is_file() else b""
        return hashlib.sha256(sys.version.encode() + wanted).hexdigest()

    def ready(self) -> bool:
        stamped = self.folder / "stamp"
        return self.python.exists() and stamped.is_file() and stamped.read_text() == self.stamp()

    def make(self, progress: Callable[[str], None]) -> None:
        """Raises Refused without internet or disk, or when pip gives up."""
        progress("making the virtual environment")
        try:
            venv.create(self.folder, clear=True, with_pip=True, symlinks=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Refused(f"The virtual environment {self.folder} cannot be made ({error}).") from None
        if self.requirements.is_file():
            what = f"the packages of {self.requirements}"
            install(self.python, ["-r", self.requirements.name], what, self.requirements.parent, self.log, progress)
        (self.folder / "stamp").write_text(self.stamp())


def install(
    python: Path, wanted: list[str], what: str, folder: Path, log: Path, progress: Callable[[str], None]
) -> None:
    """By pip, in the folder. what: is to be installed, in words. log: gets pip's output if it fails. Raises Refused."""
    argv = [str(python), "-m", "pip", "install", "--no-compile", "--disable-pip-version-check"]
    said = []
    for line in lines([*argv, "--progress-bar", "off", *wanted], folder):
        said.append(line)
        progress(line.strip()[:100])
    if not said or said.pop() != "0":
        log.write_text("\n".join(said))
        raise Refused(why("\n".join(said), what, log))


def why(output: str, what: str, log: Path) -> str:
    """A sentence for what pip has said."""
    if any(sign in output for sign in DISK):
        return f"The disk is full: free some space (at least {FREE_BYTES // 2**20} MB) and run it again."
    if any(sign in output for sign in NETWORK):
        return (
            f"{what[0].upper()}{what[1:]} cannot be fetched: check the internet connection "
            f"(or pip's index settings) and run it again; details are in {log}."
        )
    return f"pip could not install {what}: see {log}."


def lines(argv: list[str], folder: Path) -> Iterator[str]:
    """What a command says, line by line, and its exit code as the last one."""
    with subprocess.Popen(
        argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            yield line.rstrip("\n")
    yield str(process.returncode)


def check_aws(environ: Mapping[str, str]) -> None:
    """Raises Refused unless the user's own environment leads to AWS, with credentials."""
    if url := environ.get("AWS_ENDPOINT_URL"):
        raise Refused(f"AWS_ENDPOINT_URL leads to {url}, not to AWS: unset it for --target aws.")
    import boto3

    if boto3.Session().get_credentials() is None:
        raise Refused("No AWS credentials were found: run `aws configure`, or set AWS_PROFILE, and try again.")


def typed(program: str, system: str, root: Path | None, target: str) -> str:
    """What to type in any shell to run the system's run.py again. It finds this as RUN_AS, and knows nothing of us."""
    told = ["--root", str(root.absolute())] if root else []
    aimed = ["--target", target] if target != "local" else []
    return shlex.join([*_ours(program), "run", *told, *aimed, system])


def builds(program: str, root: Path) -> str:
    """What builds a system's containers here, in place of Docker; the system finds this as IMAGE_BUILD."""
    return shlex.join([*_ours(program), "image", "build", "--root", str(root)])


def _ours(program: str) -> list[str]:
    return [sys.executable, "-m", "skylab.cli"] if program.endswith(".py") else [program]


def replace_process(argv: list[str], environ: Mapping[str, str]) -> None:
    """Becomes the command: its exit code, its signals and its terminal are then its own. Raises Refused."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(argv[0], argv, dict(environ))
    except OSError as error:
        raise Refused(f"{argv[0]} cannot be run ({(error.strerror or str(error)).lower()}).") from None
