"""A program closed in: its own processes, file system, names, perhaps no network, and no rights.

Linux namespaces, no Docker and no root. `split` goes first, in the process that will wait; the init it then forks is
process 1 of a new process namespace, so that the kernel ends all that the program has started when init ends. `enter`
is called by that init, and `surrender` by the program's own process, as its last step before it becomes the program.

    an ordinary user   gets a user namespace of the job's own, in which init has the rights to make the view, and the
                       program, the same user seen from outside, has none
    root               needs none to make the view; the program becomes a user of its own that owns nothing else on the
                       machine, in a user namespace that it cannot leave

Imported by the runner, before every program: the standard library's quick modules only.
"""

import fcntl
import os
import signal
import socket
import struct
import sys
import tempfile
from typing import TYPE_CHECKING

LINUX = sys.platform == "linux"
if LINUX:
    from skylab.compute import linux, users, view

if TYPE_CHECKING:
    from typing import Any

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8913, 0x8914, 0x1, 0x40


def die_with_parent() -> None:
    """The kernel kills this process when its parent ends. Linux only, elsewhere nothing."""
    if LINUX:
        linux.libc.prctl(linux.SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """What our descendants leave behind becomes our child, not the machine's. Linux only, elsewhere nothing."""
    if LINUX:
        linux.libc.prctl(linux.SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def split(isolated: bool, neighbour: int = 0, builder: bool = False) -> None:
    """The next fork is process 1 of a new process namespace; without network when isolated, but for loopback, which
    it shares with the process `neighbour` (0: with none). builder: of an image, root in there. Raises OSError."""
    new = linux.NEWPID | (linux.NEWNET if isolated and not neighbour else 0)
    network = os.open(f"/proc/{neighbour}/ns/net", os.O_RDONLY) if neighbour else -1
    if users.separate():
        linux.unshare(new, "a process namespace")
    elif neighbour:
        theirs = os.open(f"/proc/{neighbour}/ns/user", os.O_RDONLY)
        linux.must(linux.libc.setns(theirs, linux.NEWUSER), "the neighbour's users")
        linux.unshare(new, "a process namespace")
    else:
        users.alone(new, 0 if builder else view.USER)
    if neighbour:
        linux.must(linux.libc.setns(network, linux.NEWNET), "the neighbour's network")
    elif isolated:
        _lo_up()


def enter(launch: "dict[str, Any]", folder: str, hosts: str | None) -> None:
    """Makes the view (view.py), in process 1 after `split`. Raises OSError; the process is then of no use."""
    linux.unshare(linux.NEWNS | linux.NEWUTS | linux.NEWIPC, "a mount namespace")
    linux.must(linux.libc.mount(None, b"/", None, linux.REC | linux.PRIVATE, None), "private mounts")
    view.build(launch, folder, hosts)
    if name := launch["hostname"].encode():
        linux.must(linux.libc.sethostname(name, len(name)), "the host name")


def surrender(user: int | None, builder: bool = False) -> None:
    """What the caller runs from here on is nobody: the machine's user `user` (None: who started it all), without a
    capability, and without a way to get one. A builder stays who it is, and keeps the rights over files that a build
    with Docker has too. Raises OSError."""
    if user is not None:
        users.become(user)
    users.no_more()
    linux.powerless(linux.BUILDER if builder else ())


def _lo_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = bytearray(struct.pack("16sH22x", b"lo", 0))
        fcntl.ioctl(control, SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("H", request, 16)
        struct.pack_into("H", request, 16, flags | IFF_UP | IFF_RUNNING)
        fcntl.ioctl(control, SIOCSIFFLAGS, request)


def available() -> str | None:
    """None where sandboxes work, else one sentence that says why not. Forks: not for a process with threads."""
    if not LINUX:
        return f"Sandboxes need Linux namespaces, and this is {sys.platform}."
    read, write = os.pipe()
    if not os.fork():
        _probe(write)
    os.close(write)
    with open(read) as answer:
        reason = answer.read()
    os.wait()
    return None if reason == "ok" else f"The kernel refuses {reason or 'namespaces'}. {_cure()}"


def _probe(write: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("scratch/tmp", "scratch/var/tmp", "ml"):
            os.makedirs(f"{folder}/{name}")
        try:
            split(isolated=True)
            if not (init := os.fork()):
                os.write(write, _tried(folder))
                os._exit(0)
            os.waitpid(init, 0)
        except OSError as error:
            os.write(write, str(error.strerror).encode())
    os._exit(0)


def _tried(folder: str) -> bytes:
    lists: dict[str, list[str]] = {"reads": [], "writes": [], "frozen": [], "hidden": []}
    try:
        enter({"env": {}, "root": f"{folder}/ml", "hostname": "probe", "image": None, **lists}, folder, None)
        surrender(users.FIRST if users.separate() else None)
    except OSError as error:
        return str(error.strerror).encode()
    return b"ok"


def _cure() -> str:
    cures = {
        "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
        "kernel/unprivileged_userns_clone": ("0", "1"),
        "user/max_user_namespaces": ("0", "10000"),
    }
    for name, (bad, good) in cures.items():
        if os.path.exists(path := f"/proc/sys/{name}"):
            with open(path) as file:
                if file.read().strip() == bad:
                    return f"Allow them with: sudo sysctl {name.replace('/', '.')}={good}"
    return "Allow unprivileged user namespaces (in a container: a seccomp profile that lets unshare and mount pass)."
