"""The layers on disk: a folder for each step that was ever built, named by what it was made from.

layers/<key>    whole and never changed; what it has is everybody's, since each program that uses it is another user
drafts/<key>    being built; renamed into layers/ at the end
"""

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp

from skylab.containers.dockerfile import Malformed

KEY = 32  # characters of a digest: names are short, since the kernel takes a page of them


class Layers:
    """root: the folder of all this."""

    def __init__(self, root: Path) -> None:
        self.folder, self._drafts = root.absolute() / "layers", root.absolute() / "drafts"
        for folder in (self.folder, self._drafts):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)

    def has(self, digest: str) -> bool:
        return (self.folder / name(digest)).is_dir()

    def size(self, digest: str) -> int:
        """Bytes of its files."""
        files = (path for path in (self.folder / name(digest)).rglob("*") if path.is_file() and not path.is_symlink())
        return sum(path.stat().st_size for path in files)

    def draft(self, digest: str) -> Path:
        """An empty folder to build in; what an earlier try has left is removed."""
        draft = self._drafts / name(digest)
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(self.work(digest), ignore_errors=True)
        draft.mkdir(mode=0o755)
        return draft

    def work(self, digest: str) -> Path:
        """Beside a draft, for the kernel."""
        return self._drafts / f"{name(digest)}.work"

    def keep(self, digest: str) -> None:
        """The draft becomes the layer."""
        draft, work = self._drafts / name(digest), self.work(digest)
        if (made := work / "made").exists():
            _prune(draft, made.read_text().splitlines())
        shutil.rmtree(work, ignore_errors=True)
        _open(draft)
        whole = self.folder / name(digest)
        if whole.exists():  # built anew on demand; programs that run over the old one go on
            whole.rename(Path(mkdtemp(prefix=f"{whole.name}-", dir=self._drafts)) / "old")
        draft.rename(whole)


def name(digest: str) -> str:
    """Of a layer's folder: of sha256:<64 characters>. Raises Malformed for what is no digest."""
    kind, _, text = digest.partition(":")
    if kind != "sha256" or len(text) != 64 or set(text) - set("0123456789abcdef"):
        raise Malformed(f"{digest!r} is not the digest of a layer.")
    return text[:KEY]


def _prune(draft: Path, made: Iterable[str]) -> None:
    """Folders that were made only to mount on, and stayed empty."""
    for path in sorted(made, key=len, reverse=True):
        folder = draft / path.lstrip("/")
        while folder != draft and not folder.is_symlink():
            try:
                folder.rmdir()
            except OSError:
                break
            folder = folder.parent


def _open(draft: Path) -> None:
    """Every program may change what is its image's: it changes a copy."""
    for _, folders, files, fd in os.fwalk(draft):
        for each in (*folders, *files):
            mode = os.stat(each, dir_fd=fd, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
                executable = 0o111 if stat.S_ISDIR(mode) or mode & 0o111 else 0
                os.chmod(each, stat.S_IMODE(mode) & 0o1777 | 0o666 | executable, dir_fd=fd)
    os.chmod(draft, 0o755)
