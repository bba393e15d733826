"""The folder that holds one cloud, and who runs in it: <root>/lock is held for as long as a server lives.

The lock decides, never the pid: the operating system drops it with its holder, so a stale server.json deceives nobody.
"""

import fcntl
import json
import os
import shutil
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from skylab.kernel.refused import Refused as Refused

FREE_BYTES = 200 * 1024 * 1024  # less than this and a job would soon fail half-way


@dataclass(frozen=True)
class Server:
    """What a running server says of itself. started: ISO 8601, UTC."""

    pid: int
    port: int
    proxy_port: int
    started: str
    host: str = "127.0.0.1"
    https_port: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def https_url(self) -> str:
        """Certified for localhost, by the authority of the folder."""
        return f"https://localhost:{self.https_port}"


@dataclass(frozen=True)
class Credentials:
    """The account's own credentials, as the cloud wrote them at its start."""

    key: str
    secret: str
    token: str
    region: str
    account: str
    role: str


class Root:
    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def prepare(self) -> None:
        """Makes the folder, for this user alone. Raises Refused where it cannot be used."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.path / "lock").touch(mode=0o600)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise Refused(f"{self.path} cannot be written ({reason}): choose another folder with --root.") from None
        if (free := shutil.disk_usage(self.path).free) < FREE_BYTES:
            raise Refused(
                f"The disk of {self.path} has only {free // 2**20} MB free: "
                f"make room for at least {FREE_BYTES // 2**20} MB, or choose another disk with --root."
            )

    def lock(self, seconds: float = 1.0) -> int | None:
        """The folder's lock as an open file, or None when another process still holds it after so many seconds."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        first = threading.Lock()  # who comes first: the lock, or the end of the patience for it
        taken = threading.Event()

        def wait() -> None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if first.acquire(blocking=False):
                taken.set()
            else:
                os.close(descriptor)  # nobody waits any more: a lock that nobody knows of would never end

        threading.Thread(target=wait, daemon=True).start()  # the OS wakes it: nothing is polled
        if taken.wait(seconds) or not first.acquire(blocking=False):
            return descriptor
        return None

    def locked(self) -> bool:
        return held(self.path / "lock")

    def server(self) -> Server | None:
        """The running server, or None: a file left behind by a dead one does not count."""
        if not self.locked():
            return None
        try:
            return Server(**json.loads((self.path / "server.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None  # it is still starting

    def running(self) -> Server:
        """The running server. Raises Refused with the remedy when there is none."""
        if server := self.server():
            return server
        raise Refused(f"Skylab does not run in {self.path}: start it with `skylab up --detach`.")

    def announce(self, server: Server) -> None:
        replace(self.path / "server.json", json.dumps(asdict(server)))

    def withdraw(self) -> None:
        (self.path / "server.json").unlink(missing_ok=True)

    def credentials(self) -> Credentials:
        try:
            given = json.loads((self.path / "credentials.json").read_text())
            fields = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Region", "Account", "RoleArn")
            return Credentials(*(given.get(name) or "" for name in fields))
        except (OSError, ValueError):
            raise Refused(f"{self.path}/credentials.json cannot be read: restart Skylab, it writes it anew.") from None

    def size(self) -> int:
        """Bytes that the folder takes on disk."""
        total = 0
        for folder, _, files in os.walk(self.path):
            for name in files:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    continue  # a draft that was renamed meanwhile
        return total


def held(lock: Path) -> bool:
    """Whether some process holds this lock file."""
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def replace(path: Path, text: str, mode: int = 0o600) -> None:
    """Writes a file so that a reader sees the old one or the new one, whole."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
