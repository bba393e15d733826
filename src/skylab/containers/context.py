"""The folder that a Dockerfile's COPY and ADD take from, without what .dockerignore names."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from pathspec import PathSpec

PIECE = 1 << 20


class Context:
    """folder: of the host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        ignore = self.folder / ".dockerignore"
        lines = ignore.read_text().splitlines() if ignore.is_file() else []
        self._ignored = PathSpec.from_lines("gitignore", [_anchored(line) for line in lines])

    def digest(self, sources: Iterable[str]) -> str:
        """Of the names, modes and contents of what the sources stand for."""
        found = hashlib.sha256()
        for path in self._files(sources):
            stat = path.lstat()
            found.update(f"{path.relative_to(self.folder)}\0{stat.st_mode:o}\0".encode())
            if path.is_symlink():
                found.update(os.readlink(path).encode())
            elif path.is_file():
                with path.open("rb") as file:
                    found.update(hashlib.file_digest(file, "sha256").digest())
        return found.hexdigest()

    def take(self, sources: Iterable[str], folder: Path) -> None:
        """Copies what the sources stand for into an empty folder of ours; links as links."""
        for path in self._files(sources):
            to = folder / path.relative_to(self.folder)
            if path.is_dir() and not path.is_symlink():
                to.mkdir(parents=True, exist_ok=True)
            elif path.is_file() or path.is_symlink():
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, to, follow_symlinks=False)

    def _files(self, sources: Iterable[str]) -> Iterator[Path]:
        wanted = [os.path.normpath("/" + source).lstrip("/") for source in sources]
        for where, folders, files in os.walk(self.folder):
            folders.sort()
            for name in sorted([*folders, *files]):
                path = Path(where, name)
                plain = path.relative_to(self.folder).as_posix()
                if not self._ignored.match_file(plain) and any(_covers(each, plain) for each in wanted):
                    yield path


def _covers(source: str, path: str) -> bool:
    """Whether a source of a COPY, a pattern perhaps, means path or a folder above it."""
    parts, wanted = path.split("/"), source.split("/") if source else []
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts, wanted))


def _anchored(line: str) -> str:
    """.dockerignore's patterns begin at the folder's root, .gitignore's only where they have a slash."""
    line = line.strip()
    if not line or line.startswith("#"):
        return ""
    negated = "!" if line.startswith("!") else ""
    return f"{negated}/{line.removeprefix('!').strip().removeprefix('/').removeprefix('./')}"
