"""Object bodies as files: sealed as they are written, renamed when whole, never changed, under numbers used once.

drafts/<opening>-<n>         being written; of no value after a kill
bodies/<opening>/<n // 1024>/<n>   whole
openings/<opening>           locked while its cloud lives: nobody else sweeps what it is about to name
"""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from skylab.kernel.vault import Vault
from skylab.services.s3.index import Index, split
from skylab.services.s3.opened import Opened
from skylab.services.s3.sealed import Sealing

_PIECE = 8 * 1024 * 1024


class Bodies:
    def __init__(self, root: Path, index: Index, vault: Vault, durable: str) -> None:
        self.index, self.vault, self.power = index, vault, durable == "power"
        self._drafts, self._whole = f"{root}/drafts", f"{root}/bodies"
        self._folders: set[str] = set()
        for folder in (self._drafts, self._whole):
            os.makedirs(folder, mode=0o700, exist_ok=True)

    def path(self, body: int) -> Path:
        return Path(self.file(body))

    def file(self, body: int) -> str:
        opening, n = split(body)
        return f"{self._whole}/{opening:x}/{n >> 10:x}/{n:x}"

    def draft(self, keys: Sequence[bytes] = ()) -> "Draft":
        """keys: what is written is sealed under them; without any it is sealed already (a joined body)."""
        body = self.index.number()
        opening, n = split(body)
        return Draft(self, body, f"{self._drafts}/{opening:x}-{n:x}", Sealing(keys) if keys else None)

    def opened(self, body: int, keys: Sequence[bytes], size: int) -> Opened:
        """Raises FileNotFoundError, and Tampered."""
        return Opened(self.file(body), keys, size, self.vault)

    def settle(self, draft: str, body: int) -> None:
        """Renames a whole draft to its body; under 'power' the folder is flushed too."""
        file = self.file(body)
        folder = file[: file.rindex("/")]
        if folder not in self._folders:
            self._make(folder)
        os.rename(draft, file)
        if self.power:
            flush(folder)

    def _make(self, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._folders.add(folder)
        if self.power:
            above = os.path.dirname(folder)
            for path in (above, os.path.dirname(above)):
                flush(path)

    def remove(self, body: int) -> None:
        """Idempotent."""
        with suppress(FileNotFoundError):
            os.unlink(self.file(body))


class Draft:
    """A body being written, by one thread at a time. `with draft:` takes it away again when the block fails."""

    def __init__(self, bodies: Bodies, body: int, file: str, sealing: Sealing | None) -> None:
        self.body = body
        self._bodies, self._file, self._sealing, self._kept = bodies, file, sealing, False
        self._fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        # A request that is cut off discards the draft while a thread may still be in write().
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        with self._lock:
            if self._fd < 0:
                return  # discarded meanwhile: nobody wants it any more
            self._write(self._sealing.update(data) if self._sealing else data)

    def _write(self, data: bytes | memoryview) -> None:
        while data and (done := os.write(self._fd, data)) < len(data):
            data = memoryview(data)[done:]

    def append(self, path: str) -> None:
        """Another file as it is, copied by the kernel (shared with it, where the file system can)."""
        with open(path, "rb", buffering=0) as source:
            left = os.fstat(source.fileno()).st_size
            while left:
                if not (done := self._copy(source.fileno(), min(left, 1 << 30))):
                    raise EOFError(f"{path} ends {left} bytes early")
                left -= done

    def _copy(self, source: int, size: int) -> int:
        try:
            return os.copy_file_range(source, self._fd, size)
        except (AttributeError, OSError):  # not this operating system, or not this file system
            piece = os.read(source, min(size, _PIECE))
            self._write(piece)
            return len(piece)

    def keep(self) -> int:
        """The draft is whole: it becomes a body, whose number is answered. No row names it yet."""
        if self._sealing:
            with self._lock:
                self._write(self._sealing.end())
        if self._bodies.power:
            os.fsync(self._fd)
        self._close()
        self._bodies.settle(self._file, self.body)
        self._kept = True
        return self.body

    def discard(self) -> None:
        self._close()
        if not self._kept:
            with suppress(FileNotFoundError):
                os.unlink(self._file)
        self._bodies.remove(self.body)

    def _close(self) -> None:
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1

    def __enter__(self) -> "Draft":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self.discard()


def flush(path: str) -> None:
    """fsync of a file or a folder; a file that is gone needs none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
