"""Captured invocations on their way to S3: appended to files here before they are answered for, delivered later.

    captures/<fleet>/<variant>/<milliseconds of the first record>-<uuid>.open     being written
    captures/<fleet>/<variant>/<milliseconds of the first record>-<uuid>.jsonl    closed, to be delivered and removed

A file has the records of one variant and hour. What was written survives the end of this process: the next one closes
what it finds open, without a record that was cut off, whose invocation nobody was answered.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

log = logging.getLogger(__name__)

LARGEST = 64 * 2**20  # bytes of one file
MOST = 2**30  # bytes of a fleet's files that wait for their delivery; AWS stops capturing where the disk fills up too
OPEN, CLOSED = ".open", ".jsonl"


@dataclass
class Segment:
    path: Path
    file: int
    begun: datetime
    size: int = 0

    def close(self) -> None:
        os.close(self.file)
        self.path.rename(self.path.with_suffix(CLOSED))


class Spool:
    """durable: "power" flushes each record to disk before its invocation is answered."""

    def __init__(self, root: Path, durable: str) -> None:
        self.root, self._power = root, durable == "power"
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str, str], Segment] = {}
        self._waiting: dict[str, int] = {}  # bytes by fleet, counted at each look for closed files

    async def write(self, fleet: str, variant: str, now: datetime, line: bytes, id: str) -> None:
        """id: a uuid for the file's name, should one be begun. What cannot be written fails no invocation."""
        try:
            copy = self._append(fleet, variant, now, line, id)
            if copy is not None:
                await asyncio.get_running_loop().run_in_executor(None, _flush, copy)
        except OSError as problem:
            log.warning("an invocation of %s was not captured: %r", variant, problem)

    def _append(self, fleet: str, variant: str, now: datetime, line: bytes, id: str) -> int | None:
        """A copy of the file's number, where it is to be flushed."""
        place = fleet, variant, now.strftime("%Y%m%d%H")
        with self._lock:
            if self._waiting.get(fleet, 0) > MOST:
                return None
            if (segment := self._open.get(place)) is None:
                segment = self._open[place] = self._begun(fleet, variant, now, id)
            os.write(segment.file, line)
            segment.size += len(line)
            copy = os.dup(segment.file) if self._power else None
            if segment.size > LARGEST:
                self._open.pop(place).close()
            return copy

    def _begun(self, fleet: str, variant: str, now: datetime, id: str) -> Segment:
        folder = self.root / fleet / variant
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{int(now.timestamp() * 1000)}-{id}{OPEN}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if self._power:
            for each in (folder, folder.parent, folder.parent.parent):
                _flush(os.open(each, os.O_RDONLY))
        return Segment(path, file, now)

    def closed(self, fleet: str, begun_by: datetime) -> list[Path]:
        """Files to deliver, oldest first. Those that were begun by then are closed, and what a dead process left."""
        with self._lock:
            for place, segment in [item for item in self._open.items() if item[0][0] == fleet]:
                if segment.begun <= begun_by:
                    self._open.pop(place).close()
            written = {segment.path for segment in self._open.values()}
        for path in (self.root / fleet).glob(f"*/*{OPEN}"):
            if path not in written:
                self._adopt(path)
        found = sorted((self.root / fleet).glob(f"*/*{CLOSED}"), key=lambda path: path.name)
        self._waiting[fleet] = sum(path.stat().st_size for path in found)
        return found

    def _adopt(self, path: Path) -> None:
        with self._lock:
            if path in {segment.path for segment in self._open.values()} or not path.exists():
                return
            said = path.read_bytes()
            os.truncate(path, said.rfind(b"\n") + 1)
            path.rename(path.with_suffix(CLOSED))

    def forget(self, fleet: str, remove: Callable[[Path], None]) -> None:
        self._waiting.pop(fleet, None)
        remove(self.root / fleet)


def _flush(file: int) -> None:
    try:
        os.fsync(file)
    finally:
        os.close(file)
