"""The memory and processors of a whole job, by a control group of its own (cgroup v2), where the OS lets us have one.

    <the first folder on the way to our own group that we may write to>/skylab/<run>

As root that is the top; as an ordinary user what systemd has delegated, user@<uid>.service, where Skylab was started
below it. Elsewhere (cgroup v1, a container) there is none, and limits are each process's (limits.py).
https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

import os
from contextlib import suppress

TOP = "/sys/fs/cgroup"
PERIOD = 100_000  # microseconds


def made(name: str, cpus: int | None, memory: int | None, top: str = TOP, own: str | None = None) -> str | None:
    """The folder of a new group with these limits; None where there can be none that limits memory."""
    with suppress(OSError):
        if base := _base(top, _own() if own is None else own):
            parent = f"{base}/skylab"
            os.makedirs(parent, exist_ok=True)
            for folder in (base, parent):
                _allow(folder)
            group = f"{parent}/{name}"
            os.makedirs(group, exist_ok=True)
            if os.path.exists(f"{group}/memory.max"):
                _limit(group, cpus, memory)
                return group
            os.rmdir(group)
    return None


def join(group: str) -> None:
    """This process, and all that it starts from now on. Raises OSError."""
    _write(f"{group}/cgroup.procs", "0")


def leave(group: str) -> None:
    """Removes the group once nothing of it runs."""
    with suppress(OSError):
        os.rmdir(group)


def _own() -> str:
    with open("/proc/self/cgroup") as file:
        return next((line.strip().removeprefix("0::") for line in file if line.startswith("0::")), "")


def _base(top: str, own: str) -> str | None:
    path = top
    for part in ("", *filter(None, own.split("/"))):
        path = f"{path}/{part}" if part else path
        if os.access(path, os.W_OK) and os.access(f"{path}/cgroup.procs", os.W_OK):
            with open(f"{path}/cgroup.controllers") as file:
                return path if "memory" in file.read().split() else None
    return None


def _allow(folder: str) -> None:
    for controller in ("memory", "cpu", "pids"):
        with suppress(OSError):  # perhaps it is allowed already, or not ours to allow: what comes of it is looked at
            _write(f"{folder}/cgroup.subtree_control", f"+{controller}")


def _limit(group: str, cpus: int | None, memory: int | None) -> None:
    if memory:
        _write(f"{group}/memory.max", str(memory))
        with suppress(OSError):
            _write(f"{group}/memory.swap.max", "0")
    if cpus:
        with suppress(OSError):
            _write(f"{group}/cpu.max", f"{cpus * PERIOD} {PERIOD}")


def _write(path: str, text: str) -> None:
    with open(os.open(path, os.O_WRONLY), "w") as file:
        file.write(text)
