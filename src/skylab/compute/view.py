"""The file system that a program sees: the system, read-only, and what is its own.

A tmpfs that holds nothing but places to mount on; what is not mounted there does not exist for the program: not the
store, nor other jobs, nor anybody's home. Built in process 1 of the new process namespace, in this order:

    read-only   /usr and its like, some of /etc, /opt, /sys; `hidden` is covered where it lies in one of those
    its own     /dev, /proc, /tmp and /var/tmp (on disk, the run's own)
    read-only   `reads`: the Python environment, our source; `hidden` is covered again
    writable    `writes`, and `root` as /opt/ml, but for what is `frozen` below it
    an image's  its files over all that (layers.py), where the program is an image's

Imported by the runner, before every program: the standard library's quick modules only.
"""

import os
from typing import TYPE_CHECKING

from skylab.compute import layers, linux

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "sys", "nix", "gnu")
ETC = (
    "alternatives bash.bashrc ca-certificates ca-certificates.conf crypto-policies debian_version fonts gai.conf "
    "host.conf hosts java-11-openjdk java-17-openjdk java-21-openjdk ld.so.cache ld.so.conf ld.so.conf.d locale.alias "
    "localtime lsb-release magic mime.types nsswitch.conf OpenCL os-release pip.conf pki profile protocols R "
    "redhat-release resolv.conf services ssl terminfo timezone vulkan"
).split()
DEVICES = ("null", "zero", "full", "random", "urandom", "kfd", "dri")
GPUS = "nvidia"
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
USER = 1000  # and group, as the program sees itself
PASSWD = (
    "root:x:0:0::/root:/usr/sbin/nologin\nsagemaker:x:{0}:{0}::{1}:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n"
)
GROUP = "root:x:0:\nsagemaker:x:{0}:\nnogroup:x:65534:\n"
SAFE = linux.ATTR_NOSUID | linux.ATTR_NODEV


def build(launch: "dict[str, Any]", folder: str, hosts: str | None) -> None:
    """Makes the view and enters it. folder is the run's own, on the host. Raises OSError."""
    view = f"{folder}/view"
    os.makedirs(view, exist_ok=True)
    linux.tmpfs(view, "mode=755,size=16m")
    whole = launch["image"] and launch["image"]["whole"]  # an image that brings a system of its own
    if not whole:
        _system(view)
    _etc(view, hosts, launch["env"].get("HOME", "/tmp"), () if whole else ETC)
    _cover(view, launch["hidden"], [f"/{name}" for name in (*SYSTEM, "opt")])
    _places(view, launch)
    linux.restrict(view, linux.ATTR_RDONLY | SAFE)
    _devices(view)
    _processes(view)
    for path in ("/tmp", "/var/tmp"):
        _own(f"{folder}/scratch{path}", view + path)
    for path in launch["reads"]:
        _at(view, path, path)
        linux.restrict(view + path, linux.ATTR_RDONLY | SAFE)
    _cover(view, launch["hidden"], launch["reads"])
    _writable(view, launch)
    linux.pivot(layers.over(view, launch, folder) if launch["image"] else view)


def _system(view: str) -> None:
    for name in SYSTEM:
        _show(view, f"/{name}")
    os.mkdir(f"{view}/opt")
    for name in sorted(os.listdir("/opt")) if os.path.isdir("/opt") else ():
        if name != "ml":
            _show(view, f"/opt/{name}")


def _cover(view: str, hidden: list[str], trees: list[str]) -> None:
    """Hides what lies in one of the trees, and is a folder."""
    for path in hidden:
        if any(path.startswith(f"{tree}/") for tree in trees) and os.path.isdir(view + path):
            linux.tmpfs(view + path, "mode=755,size=1m")


def _etc(view: str, hosts: str | None, home: str, names: "Iterable[str]") -> None:
    os.mkdir(f"{view}/etc")
    for name in names:
        if os.path.exists(f"/etc/{name}"):
            _at(view, os.path.realpath(f"/etc/{name}"), f"/etc/{name}")
    if hosts:
        _at(view, hosts, "/etc/hosts")
    for name, text in (("passwd", PASSWD.format(USER, home)), ("group", GROUP.format(USER))):
        with open(f"{view}/etc/{name}", "w") as file:
            file.write(text)


def _show(view: str, path: str) -> None:
    """path as it is on the host: a link as a link."""
    if os.path.islink(path):
        os.makedirs(os.path.dirname(view + path), exist_ok=True)
        if not os.path.lexists(view + path):
            os.symlink(os.readlink(path), view + path)
    elif os.path.exists(path):
        _at(view, path, path)


def _at(view: str, source: str, path: str) -> None:
    _place(view + path, os.path.isdir(source))
    linux.bind(source, view + path)


def _place(path: str, folder: bool) -> None:
    """Something to mount on."""
    if folder:
        os.makedirs(path, exist_ok=True)
    elif not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def _places(view: str, launch: "dict[str, Any]") -> None:
    for path in ("/tmp", "/var/tmp", "/run", "/proc", "/dev/shm", "/opt/ml", *launch["writes"]):
        _place(view + path, folder=True)
    for path in launch["reads"]:
        _place(view + path, os.path.isdir(path))
    for name in _present():
        _place(f"{view}/dev/{name}", os.path.isdir(f"/dev/{name}"))
    for name, target in LINKS.items():
        os.symlink(target, f"{view}/dev/{name}")


def _present() -> list[str]:
    return [name for name in os.listdir("/dev") if name in DEVICES or name.startswith(GPUS)]


def _devices(view: str) -> None:
    for name in _present():
        linux.bind(f"/dev/{name}", f"{view}/dev/{name}")
    linux.tmpfs(f"{view}/dev/shm", "mode=1777")


def _processes(view: str) -> None:
    """Where parts of /proc are masked (in a container), the kernel refuses a new one; the old one then shows that other
    processes are there, though not their environment or memory: those ask for rights over their user namespace."""
    flags = linux.NOSUID | linux.NODEV | linux.NOEXEC
    if linux.libc.mount(b"proc", os.fsencode(f"{view}/proc"), b"proc", flags, None) < 0:
        linux.bind("/proc", f"{view}/proc")


def _writable(view: str, launch: "dict[str, Any]") -> None:
    for path in launch["writes"]:
        _place(view + path, folder=True)  # perhaps below /tmp, which is new since
        _own(path, view + path)
    if launch["root"]:
        _own(launch["root"], f"{view}/opt/ml")
    for path in launch["frozen"]:
        if os.path.exists(view + path):
            linux.bind(view + path, view + path)
            linux.restrict(view + path, linux.ATTR_RDONLY | SAFE)


def _own(source: str, target: str) -> None:
    linux.bind(source, target)
    linux.restrict(target, SAFE)
