"""Who a job is on this machine. When Skylab is root: a user that nobody else is, while the job lives.

Users are taken from a range of our own, above those of systemd (https://systemd.io/UIDS-GIDS/). A user is taken by a
lock on a file of its number, held by the runner: the kernel gives it back when the runner ends, however it does.
"""

import fcntl
import os
import stat
from typing import TYPE_CHECKING

from skylab.compute import linux
from skylab.compute.view import USER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

FIRST, COUNT = 1_900_000_000, 60_000
TAKEN = "/run/skylab/users"


def separate() -> bool:
    """Whether jobs become users of their own: as root of a machine, or of a container that has our range."""
    return os.geteuid() == 0 and any(low <= FIRST and FIRST + COUNT <= low + count for low, count in _mapped())


def _mapped() -> "Iterable[tuple[int, int]]":
    with open("/proc/self/uid_map") as file:
        for line in file:
            inside, _, count = line.split()
            yield int(inside), int(count)


def take() -> int:
    """A user, ours until this process and its children have ended. Raises OSError where there is none."""
    os.makedirs(TAKEN, mode=0o700, exist_ok=True)
    for user in range(FIRST, FIRST + COUNT):
        lock = os.open(f"{TAKEN}/{user}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return user  # the lock stays open: that is the claim
        except BlockingIOError:
            os.close(lock)
    raise OSError(0, "one more user: all are taken")


def give(path: str, user: int, spared: "Collection[str]" = ()) -> None:
    """path and all below it, but what is spared, become the user's.
    Links are not followed: an earlier attempt of the job may have left them."""
    os.chown(path, user, user, follow_symlinks=False)
    if not os.path.isdir(path) or os.path.islink(path):
        return
    for where, folders, files, fd in os.fwalk(path):
        folders[:] = [name for name in folders if os.path.join(where, name) not in spared]
        for name in (*folders, *files):
            os.chown(name, user, user, dir_fd=fd, follow_symlinks=False)


def show(path: str) -> None:
    """path, which nobody but us has ever written to, can be read by the user too."""
    if os.path.isdir(path):
        os.chmod(path, 0o755)
        for _, folders, files, fd in os.fwalk(path):
            for name in (*folders, *files):
                mode = os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
                if not stat.S_ISLNK(mode):
                    os.chmod(name, 0o755 if stat.S_ISDIR(mode) or mode & 0o100 else 0o644, dir_fd=fd)


def alone(new: int, seen: int = USER) -> None:
    """An ordinary user: into a user namespace of our own, with the new namespaces that belong to it. seen: who the
    user is in there."""
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(linux.NEWUSER | new, "a user namespace")
    _map(uid, gid, seen)


def become(user: int) -> None:
    """From root to user, seen from inside as USER. Raises OSError."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    linux.must(linux.libc.prctl(linux.SET_DUMPABLE, 1, 0, 0, 0), "to be its own")  # else /proc/self is root's
    linux.unshare(linux.NEWUSER, "a user namespace")
    _map(user, user)


def _map(uid: int, gid: int, seen: int = USER) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{seen} {uid} 1"), ("gid_map", f"{seen} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def no_more() -> None:
    """No user namespace below this one: in it a program would have rights that are more of the kernel to attack."""
    try:
        with open("/proc/sys/user/max_user_namespaces", "w") as file:
            file.write("0")
    except OSError:
        pass  # where /proc is a container's, whose own rules then hold
