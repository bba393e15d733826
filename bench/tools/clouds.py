"""The clouds that are asked, each a real process of its own: Skylab, and its peers where they are installed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tools.wire import Target

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 60


@dataclass(frozen=True)
class Cloud:
    name: str
    target: Target
    pid: int

    def memory(self) -> int:
        """Bytes resident in the server process."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) * 1024


def skylab_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "skylab.cli", *words]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="skylab-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def up(root: Path) -> Cloud:
    said = subprocess.run(
        skylab_command("up", "--root", str(root), "--port", "0", "--detach"),
        env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    if said.returncode:
        raise SystemExit(f"Skylab did not start: {said.stdout}{said.stderr}")
    server = json.loads((root / "server.json").read_text())
    given = json.loads((root / "credentials.json").read_text())
    target = Target(
        f"http://127.0.0.1:{server['port']}",
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], given["Region"],
    )  # fmt: skip
    return Cloud("skylab", target, server["pid"])


def down(root: Path) -> None:
    subprocess.run(skylab_command("down", "--root", str(root)), env=environment(), capture_output=True, check=True)


@contextmanager
def skylab() -> Iterator[Cloud]:
    with folder() as root:
        cloud = up(root)
        try:
            yield cloud
        finally:
            down(root)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True)
class Peer:
    """Another program's server: how it is started, from which environment, where it says that it is there."""

    name: str
    module: str
    python: Path
    arguments: tuple[str, ...]  # {port} is filled in
    port_variable: str = ""
    health: str = "/"

    @property
    def installed(self) -> bool:
        return (
            self.python.exists()
            and not subprocess.run([self.python, "-c", f"import {self.module}"], capture_output=True).returncode
        )

    @contextmanager
    def running(self) -> Iterator[Cloud]:
        port = free_port()
        with folder() as root:
            env = os.environ | ({self.port_variable: str(port)} if self.port_variable else {})
            process = subprocess.Popen(
                [self.python, *(a.format(port=port) for a in self.arguments)],
                cwd=root, env=env | {"S3_PERSIST": "0"}, start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                answers(f"http://127.0.0.1:{port}{self.health}", process)
                yield Cloud(self.name, Target(f"http://127.0.0.1:{port}"), process.pid)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def answers(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Returns once the server answers anything at all."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.005)
    raise SystemExit(f"{url} does not answer")


def python_of(name: str) -> Path:
    """The interpreter of a peer's own environment; SKYLAB_PEER_<NAME> names another."""
    default = REPOSITORY / ".venvs" / name / "bin" / "python"
    return Path(os.environ.get(f"SKYLAB_PEER_{name.upper().replace('-', '_')}", default))


def protocol_peers() -> list[Peer]:
    """ministack and moto's server; a sentence for each that is not there."""
    peers = [
        Peer("ministack", "ministack", python_of("fallback"), ("-m", "ministack"), "GATEWAY_PORT"),
        Peer("moto", "moto.server", python_of("peers-moto"), ("-m", "moto.server", "-p", "{port}")),
    ]
    for peer in peers:
        if not peer.installed:
            print(f"{peer.name} is not installed, so there is no comparison with it: make peers.")
    return [peer for peer in peers if peer.installed]
