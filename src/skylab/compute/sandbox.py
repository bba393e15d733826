"""What a program sees: /opt/ml is its own folder, its host name and hosts are its own, and perhaps no network at all.

Linux namespaces, no Docker and no root. `split` goes first, in the process that will wait; the init it then forks is
process 1 of a new process namespace, so that the kernel ends all that the program has started when init ends. `enter`
is called by that init. An ordinary user gets a user namespace in which they are root; root needs none, and gives up the
capabilities instead that a container has not.

Imported by the runner, before every program: the standard library's quick modules only.
"""

import ctypes
import fcntl
import os
import signal
import struct
import sys
import tempfile

LINUX = sys.platform == "linux"

NEWNS, NEWUTS, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x10000000, 0x20000000, 0x40000000
NOSUID, NODEV, NOEXEC, BIND, REC, PRIVATE = 2, 4, 8, 0x1000, 0x4000, 1 << 18
SET_PDEATHSIG, CAPBSET_DROP, SET_CHILD_SUBREAPER = 1, 24, 36
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8913, 0x8914, 0x1, 0x40
AF_INET, SOCK_DGRAM = 2, 2

# Docker's default set without MKNOD, AUDIT_WRITE and NET_RAW: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID,
# SETUID, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT, SETFCAP (linux/capability.h)
CAPABILITIES = {0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31}

libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """The kernel kills this process when its parent ends. Linux only, elsewhere nothing."""
    if LINUX:
        libc.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """What our descendants leave behind becomes our child, not the machine's. Linux only, elsewhere nothing."""
    if LINUX:
        libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def split(isolated: bool, neighbour: int = 0) -> bool:
    """The next fork is process 1 of a new process namespace; without network when isolated, but for loopback, which
    it shares with the process `neighbour` (0: with none). True: in a user namespace. Raises OSError."""
    new = NEWPID | (NEWNET if isolated and not neighbour else 0)
    users = not (os.geteuid() == 0 and libc.unshare(new) == 0)
    network = os.open(f"/proc/{neighbour}/ns/net", os.O_RDONLY) if neighbour else -1
    if users and neighbour:
        _must(libc.setns(os.open(f"/proc/{neighbour}/ns/user", os.O_RDONLY), NEWUSER), "the neighbour's users")
        _must(libc.unshare(new), "a process namespace")
    elif users:
        _become_root(new)
    if neighbour:
        _must(libc.setns(network, NEWNET), "the neighbour's network")
    elif isolated:
        _lo_up()
    return users


def _become_root(new: int) -> None:
    """Root of a new user namespace, and of the new namespaces that belong to it."""
    uid, gid = os.geteuid(), os.getegid()
    _must(libc.unshare(NEWUSER | new), "a user namespace")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def enter(root: str | None, hosts: str | None, hostname: str) -> None:
    """Makes the view, in process 1 after `split`: folder `root` as /opt/ml, file `hosts` as /etc/hosts.
    Raises OSError; the process is then of no use for a program."""
    _must(libc.unshare(NEWNS | NEWUTS), "a mount namespace")
    _must(libc.mount(None, b"/", None, REC | PRIVATE, None), "private mounts")
    # Where parts of /proc are masked (in a container), the kernel refuses a new one; the old one then shows more
    # processes than the program's own, and does no other harm.
    libc.mount(b"proc", b"/proc", b"proc", NOSUID | NODEV | NOEXEC, None)
    if hosts and os.path.exists("/etc/hosts"):
        _bind(os.fsencode(hosts), "/etc/hosts")
    if root:
        _show(root)
    if hostname:
        _must(libc.sethostname(hostname.encode(), len(hostname.encode())), "the host name")


def give_up() -> None:
    """Root of the machine keeps the capabilities that root of a container has. Takes effect at the next exec."""
    for capability in range(64):
        if capability not in CAPABILITIES:
            libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)


def _show(root: str) -> None:
    """Binds root on /opt/ml. Where that folder is missing, /opt becomes a tmpfs with its old children bound back."""
    held = os.open(root, os.O_PATH | os.O_DIRECTORY)  # root may be below /opt, which is about to be covered
    if not os.path.isdir("/opt/ml"):
        _cover_opt()
    _bind(b"/proc/self/fd/%d" % held, "/opt/ml")
    os.close(held)


def _cover_opt() -> None:
    children = [(entry.name, entry.is_symlink(), entry.is_dir()) for entry in os.scandir("/opt")]
    links = {name: os.readlink(f"/opt/{name}") for name, link, _ in children if link}
    held = {name: (os.open(f"/opt/{name}", os.O_PATH), folder) for name, link, folder in children if not link}
    _must(libc.mount(b"tmpfs", b"/opt", b"tmpfs", NOSUID | NODEV, b"mode=755"), "a tmpfs on /opt")
    for name, target in links.items():
        os.symlink(target, f"/opt/{name}")
    for name, (fd, folder) in held.items():
        if folder:
            os.mkdir(f"/opt/{name}")
        else:
            os.close(os.open(f"/opt/{name}", os.O_CREAT | os.O_WRONLY))
        _bind(b"/proc/self/fd/%d" % fd, f"/opt/{name}")
        os.close(fd)
    os.makedirs("/opt/ml", exist_ok=True)


def _bind(source: bytes, target: str) -> None:
    _must(libc.mount(source, os.fsencode(target), None, BIND | REC, None), f"{target}")


def _lo_up() -> None:
    control = libc.socket(AF_INET, SOCK_DGRAM, 0)
    _must(control, "a socket")
    request = bytearray(struct.pack("16sH22x", b"lo", 0))
    fcntl.ioctl(control, SIOCGIFFLAGS, request)
    (flags,) = struct.unpack_from("H", request, 16)
    struct.pack_into("H", request, 16, flags | IFF_UP | IFF_RUNNING)
    fcntl.ioctl(control, SIOCSIFFLAGS, request)
    os.close(control)


def _must(result: int, what: str) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def available() -> str | None:
    """None where sandboxes work, else one sentence that says why not. Forks: not for a process with threads."""
    if not LINUX:
        return f"Sandboxes need Linux namespaces, and this is {sys.platform}."
    if not os.path.isdir("/opt"):
        return "Sandboxes need a folder /opt to put /opt/ml in: create it."
    read, write = os.pipe()
    if not os.fork():
        _probe(write)
    os.close(write)
    with open(read) as answer:
        reason = answer.read()
    os.wait()
    return None if reason == "ok" else f"The kernel refuses {reason or 'namespaces'}. {_cure()}"


def _probe(write: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        try:
            split(isolated=True)
            if not (init := os.fork()):
                os.write(write, _tried(root))
                os._exit(0)
            os.waitpid(init, 0)
        except OSError as error:
            os.write(write, str(error.strerror).encode())
    os._exit(0)


def _tried(root: str) -> bytes:
    try:
        enter(root, None, "probe")
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
