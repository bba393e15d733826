"""The system calls of a sandbox that Python's library lacks: mounts, namespaces, capabilities. Linux only.

Numbers are the kernel's own (linux/sched.h, mount.h, prctl.h, capability.h). Each raises OSError, and says of what.
"""

import ctypes
import os

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
NOSUID, NODEV, NOEXEC, BIND, REC, PRIVATE = 2, 4, 8, 0x1000, 0x4000, 1 << 18
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
SET_PDEATHSIG, SET_DUMPABLE, CAPBSET_DROP, SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
CAP_AMBIENT, AMBIENT_CLEAR_ALL, CAPABILITY_VERSION_3 = 47, 4, 0x20080522
BUILDER = (0, 1, 3, 4, 5, 6, 7)  # chown, dac_override, fowner, fsetid, kill, setgid, setuid
MOUNT_SETATTR, RECURSIVE, DETACH, HERE = 442, 0x8000, 2, -100

libc = ctypes.CDLL(None, use_errno=True)


def must(result: int, what: str) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def unshare(namespaces: int, what: str) -> None:
    must(libc.unshare(namespaces), what)


def bind(source: str, target: str) -> None:
    """source and all that is mounted below it, at target too."""
    must(libc.mount(os.fsencode(source), os.fsencode(target), None, BIND | REC, None), target)


def tmpfs(target: str, options: str) -> None:
    must(libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", NOSUID | NODEV, options.encode()), f"a tmpfs on {target}")


def overlay(target: str, lower: list[str], upper: str, work: str) -> None:
    """At target the folders of lower, the first on top, and over them upper, which takes what is written. Names in
    lower may be relative to the current folder: all options together have 4096 bytes. Raises OSError where the file
    system of upper does not do for it."""
    mine = "" if os.geteuid() == 0 and _real_root() else ",userxattr"
    layers = ":".join(name.replace("\\", "\\\\").replace(":", "\\:") for name in lower)
    options = f"lowerdir={layers},upperdir={upper},workdir={work}{mine}"
    must(
        libc.mount(b"overlay", os.fsencode(target), b"overlay", NOSUID | NODEV, os.fsencode(options)),
        f"an overlay on {target}",
    )


def _real_root() -> bool:
    """Whether user 0 is the machine's: the kernel keeps an overlay's marks where only it may write them, or not."""
    with open("/proc/self/uid_map") as file:
        return file.read().split()[:3] == ["0", "0", "4294967295"]


def restrict(path: str, attributes: int) -> None:
    """The mount at path, and those below it, get these attributes as well (Linux 5.12 and later)."""
    words = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    asked = libc.syscall(MOUNT_SETATTR, HERE, os.fsencode(path), RECURSIVE, ctypes.byref(words), ctypes.sizeof(words))
    must(asked, f"attributes of {path} (Linux 5.12 has them)")


def pivot(view: str) -> None:
    """view, a mount, becomes the root, and the old root is gone."""
    os.chdir(view)
    must(libc.pivot_root(b".", b"."), "another root")
    must(libc.umount2(b".", DETACH), "to leave the old root")
    os.chdir("/")


def powerless(but: tuple[int, ...] = ()) -> None:
    """No capability now, nor ever again, but these: not by exec, not by a setuid program."""
    for capability in range(64):
        if capability not in but:
            libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)  # fails for those that the kernel does not know
    libc.prctl(CAP_AMBIENT, AMBIENT_CLEAR_ALL, 0, 0, 0)
    must(libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    kept = sum(1 << capability for capability in but)
    header, sets = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    must(libc.capset(ctypes.byref(header), ctypes.byref(sets)), "fewer capabilities")
