"""Pipe input mode: the objects of a channel as a stream, read from a named pipe, once per epoch.

The program opens <channel>_0, reads to its end, opens <channel>_1 for the next epoch, and so on; each is made before
the one before it ends, so that a program that comes at once finds it. Source: "Common Information About Built-in
Algorithms" and "Using Pipe input mode" of the SageMaker Developer Guide. RecordIO: MXNet's format, dmlc/recordio.h.
"""

import gzip
import hashlib
import os
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import IO, Any

CHUNK = 1 << 20
MAGIC = struct.pack("<I", 0xCED7230A)
LONGEST = 1 << 29  # the header has 29 bits for the length, and 3 for whole, first, middle, last
WHOLE, FIRST, MIDDLE, LAST = range(4)


@dataclass(frozen=True)
class Pipe:
    path: str  # /opt/ml/input/data/<channel>
    source: str | list[str]  # on the host: a folder (all files below it, in the order of their names), or files
    gzip: bool = False  # the files are compressed, the stream is not
    recordio: bool = False  # each file becomes one RecordIO record
    shuffle_seed: int | None = None  # else the same order in every epoch


def make(pipes: list[dict[str, Any]], root: str) -> "list[Stream]":
    """Makes the pipes of the first epoch, below root: before the program starts. Then `feed` them, in a process."""
    streams = [Stream(Pipe(**pipe), root) for pipe in pipes]
    for stream in streams:
        stream.make(0)
    return streams


def feed(streams: "list[Stream]") -> None:
    """Feeds all pipes until it is killed.
    Raises OSError, EOFError or ValueError when a source cannot be read: what was streamed so far is then not whole."""
    failures: list[Exception] = []
    failed = threading.Event()
    for stream in streams:
        threading.Thread(target=_until_failed, args=(stream, failures, failed), daemon=True).start()
    failed.wait()
    raise failures[0]


def _until_failed(stream: "Stream", failures: list[Exception], failed: threading.Event) -> None:
    try:
        stream.run()
    except Exception as error:
        failures.append(error)
        failed.set()


class Stream:
    """One channel, epoch after epoch."""

    def __init__(self, pipe: Pipe, root: str) -> None:
        self.pipe = pipe
        path = os.path.join(root, pipe.path.removeprefix("/opt/ml").lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.name = os.path.basename(path)
        # Held from before the program starts: it may move the folder, or put a link in its place.
        self.folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)

    def run(self) -> None:
        for number in count():
            self.epoch(number)

    def make(self, epoch: int) -> None:
        with suppress(FileExistsError):
            os.mkfifo(f"{self.name}_{epoch}", 0o644, dir_fd=self.folder)

    def epoch(self, number: int) -> None:
        fifo = f"{self.name}_{number}"
        with open(fifo, "wb", buffering=0, opener=self._only_fifo) as out:  # waits for a reader, perhaps for ever
            with suppress(BrokenPipeError):  # the reader has seen enough of this epoch
                for chunk in self.chunks(number):
                    _write(out, chunk)
            os.unlink(
                fifo, dir_fd=self.folder
            )  # a second look at a spent pipe fails at once instead of waiting for ever
            self.make(number + 1)

    def _only_fifo(self, name: str, flags: int) -> int:
        """What the program may have put there instead is neither followed nor written to."""
        found = os.open(name, os.O_WRONLY | os.O_NOFOLLOW, dir_fd=self.folder)
        if not stat.S_ISFIFO(os.fstat(found).st_mode):
            os.close(found)
            raise OSError(f"{name} is no pipe any more")
        return found

    def chunks(self, epoch: int) -> Iterator[bytes]:
        for path in self.files(epoch):
            with gzip.open(path) if self.pipe.gzip else open(path, "rb") as file:
                if self.pipe.recordio:
                    yield from record(file.read(), path)
                else:
                    while chunk := file.read(CHUNK):
                        yield chunk

    def files(self, epoch: int) -> list[str]:
        source, seed = self.pipe.source, self.pipe.shuffle_seed
        files = _below(source) if isinstance(source, str) else list(source)
        if seed is None:
            return files
        return sorted(files, key=lambda path: hashlib.sha256(f"{seed}/{epoch}/{path}".encode()).digest())


def record(data: bytes, name: str = "") -> Iterator[bytes]:
    """One RecordIO record. Where the payload has the magic number at a multiple of 4, it is left out and the record
    parted there, so that a reader finds the next record from anywhere. Raises ValueError for 512 MiB and more."""
    if len(data) >= LONGEST:
        raise ValueError(f"{name} has {len(data)} bytes, and a RecordIO record has fewer than {LONGEST}")
    parts = list(_parted(data))
    for i, part in enumerate(parts):
        flag = WHOLE if len(parts) == 1 else FIRST if i == 0 else LAST if i == len(parts) - 1 else MIDDLE
        yield MAGIC + struct.pack("<I", flag << 29 | len(part)) + part + b"\0" * (-len(part) % 4)


def _parted(data: bytes) -> Iterator[bytes]:
    begin = at = 0
    while (at := data.find(MAGIC, at)) >= 0:
        if at % 4 == 0:
            yield data[begin:at]
            begin = at = at + 4
        else:
            at += 1
    yield data[begin:]


def _below(folder: str) -> list[str]:
    return sorted(os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)


def _write(out: IO[bytes], chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[out.write(view) :]
