"""Archives of strangers, unpacked with their size, number and names bounded. The standard library only: the platform
unpacks models with it, and a job its own code.

tarfile's data filter keeps members inside the folder, and refuses devices and rights. What it leaves to us: how much
there is, links that a later member is written through (a way around the filter of Pythons before 3.11.13, 3.12.11 and
3.13.4, CVE-2025-4517), and headers that are read whole into memory.
"""

import gzip
import io
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import IO, cast

MEMBERS = 200_000
RATIO, ALWAYS = 200, 1 << 30  # bytes out per byte in, and what no archive is refused for
SPARE = 256 << 20  # bytes of the disk that are left free
LONGEST = 1024  # characters of a name or a link's target: the filter resolves no path that the kernel would not
HEADER = 1 << 20  # bytes read at once: content is copied in smaller pieces, so more is a header


class Refused(Exception):
    """The archive cannot be unpacked; the text says why."""


class Sparing(io.RawIOBase):
    """A file that gives no more than HEADER bytes at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= HEADER:
            raise Refused(f"a header of it has more than {HEADER} bytes")
        return self.file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a tar, gzipped or not, into folder; what was unpacked before it raised Refused is there."""
    most = min(max(ALWAYS, RATIO * archive.stat().st_size), shutil.disk_usage(folder).free - SPARE)
    try:
        with _opened(archive) as file, tarfile.open(fileobj=Sparing(file), mode="r:") as tar:
            _members(tar, folder, most)
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise Refused(str(error)) from error


def _opened(archive: Path) -> IO[bytes]:
    with archive.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(archive)) if zipped else archive.open("rb")


def _members(tar: tarfile.TarFile, folder: Path, most: int) -> None:
    total, links = 0, set[str]()
    for number, member in enumerate(tar, 1):
        total += max(member.size, 0)
        if number > MEMBERS:
            raise Refused(f"it has more than {MEMBERS} members")
        if total > most:
            raise Refused(f"it would unpack to more than the {most} bytes that it may take here")
        _check(member, links, folder)
        tar.extract(member, folder, filter="data")
        tar.members = []  # type: ignore[attr-defined]  # tarfile's documentation: else every header stays in memory


def _check(member: tarfile.TarInfo, links: set[str], folder: Path) -> None:
    parts = [part for part in member.name.split("/") if part not in ("", ".")]
    if max(len(member.name), len(member.linkname)) > LONGEST or "\0" in member.name + member.linkname:
        raise Refused("a name in it is too long")
    if any("/".join(parts[: n + 1]) in links for n in range(len(parts))):
        raise Refused(f"{member.name!r} would be written through a link")
    if member.issym():
        if folder.joinpath(*parts).is_dir():  # tarfile would put what it links to in its place, itself for one
            raise Refused(f"{member.name!r} is a link where a folder is")
        links.add("/".join(parts))
    if member.islnk() and (not (target := folder / member.linkname).is_file() or target.is_symlink()):
        raise Refused(f"{member.name!r} is a link to what is not before it in the archive")
