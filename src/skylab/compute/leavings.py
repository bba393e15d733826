"""What a program has left in its folders, read without being led elsewhere on the machine.

A job may put a link where a file or a folder was, also while we read (checkpoints are saved meanwhile). So nothing is
opened by a path: each step goes from an open folder to what lies in it, and follows no link.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Left:
    """A folder below one that was given to a program: /opt/ml on the host, and "model"."""

    root: Path
    below: str


FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # not to wait for ever where a pipe was put


@contextmanager
def folder(left: Left) -> Iterator[int]:
    """The folder, open, reached by folders alone. Raises NotADirectoryError for a link on the way."""
    at = os.open(left.root, FOLDER)
    try:
        for name in filter(None, left.below.split("/")):
            above, at = at, os.open(name, FOLDER, dir_fd=at)
            os.close(above)
        yield at
    finally:
        os.close(at)


def file(name: str, at: int) -> IO[bytes]:
    """A regular file of an open folder. Raises OSError for whatever else has that name."""
    found = os.open(name, FILE, dir_fd=at)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(f"{name} is no regular file")
    return os.fdopen(found, "rb")


def entries(left: Left) -> Iterator[tuple[str, int]]:
    """All that is below the folder: its relative name, and the open folder that it is in; folders before their content.
    Nothing where there is no such folder."""
    with suppress(FileNotFoundError, NotADirectoryError), folder(left) as top:
        for where, folders, names, at in os.fwalk(".", dir_fd=top):
            for name in sorted([*folders, *names]):
                yield os.path.normpath(os.path.join(where, name)), at
            folders.sort()


def files(left: Left) -> Iterator[tuple[str, IO[bytes]]]:
    """Every regular file by its relative name, open as long as it is looked at; no links, pipes or devices."""
    for name, at in entries(left):
        with suppress(OSError), file(os.path.basename(name), at) as opened:
            yield name, opened


def text(left: Left, name: str, most: int) -> str | None:
    """The first characters of a file; None where there is none that may be read."""
    with suppress(OSError), folder(left) as at, file(name, at) as opened:
        return opened.read(4 * most).decode(errors="replace")[:most]
    return None
