"""Environments of requirements.txt, each installed once and shared by every job and replica that asks for the same.

No job's process ever has them writable. A job asks (gateway/local.py) and gets the name of a folder that it only reads;
pip runs in a process of its own, in a sandbox of its own, which is given the plain requirements (requirements.py),
nothing of the job, and one folder to write to:

    ready/<key>     an environment: whole, ours, read-only in every job's view
    drafts/<key>    what the process requirements/<key> may write to; renamed into ready/ when it has ended well

An environment that a program uses is locked by it (shared, images/cached.py): the kernel tells us who is left.
"""

import fcntl
import os
import shutil
import sys
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from skylab.compute import users
from skylab.compute.processes import SOURCE, Launch, Processes
from skylab.compute.requirements import NotPlain, key, plain

INSTALLER = str(Path(SOURCE, "skylab", "images", "installer.py"))
PATH = "/usr/local/bin:/usr/bin:/bin"
AT_ONCE = 4  # installations; who comes then has his own
PATIENCE = timedelta(minutes=30)  # for one installation
MEMORY = 2 << 30  # bytes, for one installation
RETRY = timedelta(minutes=10)  # after which one that has failed is tried again, if it is still known
HEARD = timedelta(minutes=1)  # after which all who wait for one have heard how it ended
KEPT, UNUSED = 100, timedelta(days=30)  # environments, and for how long one that nobody asks for


@dataclass(frozen=True)
class Found:
    """folder: the environment. Else reason: why there is none. Neither: it is being installed, ask again."""

    folder: Path | None = None
    reason: str = ""


class Environments:
    """root: the folder of all this. sandbox: the setting. wheels: a folder where packages come from, and from nowhere
    else; None: from the index."""

    def __init__(self, root: Path, processes: Processes, sandbox: bool, wheels: Path | None = None) -> None:
        self.ready, self._drafts = root.absolute() / "ready", root.absolute() / "drafts"
        self._processes, self._sandbox, self._wheels = processes, sandbox, wheels
        self._lock = threading.Lock()
        self.ready.mkdir(parents=True, exist_ok=True)
        self._drafts.mkdir(exist_ok=True)
        for folder, mode in ((root, 0o700), (self._drafts, 0o700), (self.ready, 0o711)):  # entered, but not listed
            folder.chmod(mode)

    def find(self, text: str, now: datetime) -> Found:
        """The environment of the text of a requirements.txt; begins to install it. Quick, may be repeated."""
        try:
            name = key(wanted := plain(text))
        except NotPlain as problem:
            return Found(reason=str(problem))
        with self._lock:
            return self._found(name, wanted, now)

    def _found(self, name: str, wanted: list[str], now: datetime) -> Found:
        folder, id = self.ready / name, f"requirements/{name}"
        if not folder.is_dir():
            if self._running(id, now):
                return Found()
            ending = self._processes.ending(id) if self._processes.began(id) is not None else None
            if ending and not ending.ok and now.timestamp() - (ending.ended or 0.0) < RETRY.total_seconds():
                return Found(reason=f"pip could not install it from wheels alone: {self._said(id)}")
            if not (ending and ending.ok and self._keep(name)):
                return self._start(name, wanted, now)
        if self._processes.began(id) is not None:
            self._processes.forget(id)
        os.utime(folder, (now.timestamp(), now.timestamp()))
        return Found(folder)

    def _running(self, id: str, now: datetime) -> bool:
        begun = self._processes.began(id)
        if not self._processes.alive(id) or (begun is not None and self._processes.ending(id) is not None):
            return False
        if begun is not None and now.timestamp() - begun > PATIENCE.total_seconds():
            self._processes.stop(id, hard=True)
        return True

    def _said(self, id: str) -> str:
        lines = self._processes.log(id).read_text(errors="replace").strip().splitlines()
        return next((line for line in reversed(lines) if line.startswith("ERROR:")), " ".join(lines[-1:]))[:500]

    def _start(self, name: str, wanted: list[str], now: datetime) -> Found:
        self._purge(now)
        if self._sweep(now) >= AT_ONCE:
            return Found(reason="too many environments are being installed")
        draft, id = self._drafts / name, f"requirements/{name}"
        shutil.rmtree(draft, ignore_errors=True)
        self._processes.forget(id)
        draft.mkdir(mode=0o700)
        source = ["--no-index", "--find-links", str(self._wheels)] if self._wheels else []
        argv = [sys.executable, "-I", INSTALLER, str(draft), *source, "--", *wanted]
        env = {"PATH": PATH, "HOME": "/tmp", "LANG": "C.UTF-8"}
        reads = [str(self._wheels)] if self._wheels else []
        launch = Launch(argv, env, "/", writes=[str(draft)], reads=reads, memory=MEMORY, sandbox=self._sandbox)
        self._processes.start(id, launch)
        return Found()

    def _keep(self, name: str) -> bool:
        """Nothing of the process that wrote the draft is left; what it wrote becomes ours."""
        draft = self._drafts / name
        if not draft.is_dir():
            return False
        if sys.platform == "linux" and users.separate():
            users.give(str(draft), 0)
        users.show(str(draft))
        draft.rename(self.ready / name)
        return True

    def _purge(self, now: datetime) -> None:
        """What nobody has asked for in a long time, or is too much, if no program uses it."""
        found = sorted(((path.stat().st_mtime, path) for path in self.ready.iterdir()), reverse=True)
        for place, (used, path) in enumerate(found):
            if (place >= KEPT or now.timestamp() - used > UNUSED.total_seconds()) and _free(path):
                path.rename(self._drafts / f"{path.name}.gone")

    def _sweep(self, now: datetime) -> int:
        """Removes what installations have left, once those who wait have heard; how many are running."""
        running = 0
        for draft in self._drafts.iterdir():
            id = f"requirements/{draft.name}"
            if self._running(id, now):
                running += 1
                continue
            ending = self._processes.ending(id) if self._processes.began(id) is not None else None
            if ending is None or now.timestamp() - (ending.ended or 0.0) > HEARD.total_seconds():
                shutil.rmtree(draft, ignore_errors=True)
                self._processes.forget(id)
        return running


def _free(folder: Path) -> bool:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True
