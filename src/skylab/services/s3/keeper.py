"""What S3 does beside its requests: flush to disk, take away bodies that nothing names, sweep up after a kill.

One thread, started by the first write and stopped by close(); step() is safe to repeat, and tests call it.
"""

import fcntl
import os
import threading
from collections import deque
from pathlib import Path

from skylab.kernel.clock import Clock
from skylab.services.s3.bodies import Bodies, flush
from skylab.services.s3.index import Index

PERIOD = 1.0  # seconds until what was acknowledged is on disk
GRACE = 15.0  # seconds that an answer in flight may still open a body that was replaced
REMEMBERED = 86400  # seconds that a completed upload answers the same again
_MANY = 64
_BATCH = 256


class Keeper:
    def __init__(self, root: Path, index: Index, bodies: Bodies, clock: Clock) -> None:
        self._root, self._index, self._bodies, self._clock = root, index, bodies, clock
        self._dirty: deque[str] = deque()
        self._lock = threading.Lock()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._held = self._hold()

    def note(self, file: str | None = None) -> None:
        """Something was written: the file (where one is given) and the log are flushed within PERIOD."""
        if file:
            self._dirty.append(file)
        if not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._begin()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="s3-keeper", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._stop.wait(PERIOD)
            self._wake.clear()
            if self.step():
                self._wake.set()

    def step(self) -> bool:
        """One round; true while there is something left for a later one."""
        self._flush()
        self._index.checkpoint()
        return self._take_away()

    def _flush(self) -> None:
        files = [self._dirty.popleft() for _ in range(len(self._dirty))]
        if len(files) > _MANY:  # one by one would take longer than writing them did
            os.sync()
            return
        for path in [*files, *{os.path.dirname(file) for file in files}]:
            flush(path)

    def _take_away(self) -> bool:
        """Files first, then their rows: a kill in between repeats the unlink, which finds nothing."""
        now = self._clock.now().timestamp()
        while True:
            with self._index.reading() as db:
                due = db.execute("select body from doomed where due <= ? limit ?", (now, _BATCH)).fetchall()
            for (body,) in due:
                self._bodies.remove(body)
            with self._index.writing() as db:
                db.executemany("delete from doomed where body = ?", due)
                db.execute("delete from upload where done < ?", (now - REMEMBERED,))
                if len(due) < _BATCH:
                    return bool(db.execute("select 1 from doomed limit 1").fetchone())

    # -- after a kill

    def _hold(self) -> int:
        (folder := self._root / "openings").mkdir(mode=0o700, exist_ok=True)
        fd = os.open(folder / f"{self._index.opening:x}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        return fd

    def sweep(self) -> None:
        """Takes away the drafts and the unnamed bodies of openings whose cloud is dead, once for each."""
        with self._index.reading() as db:
            rows = db.execute("select number from opening where not swept and number <> ?", (self._index.opening,))
            openings = [number for (number,) in rows]
        for number in openings:
            lock = self._root / "openings" / f"{number:x}"
            if not lock.exists():
                continue  # it is only beginning, or was killed before it had written anything
            with open(lock, "rb") as held:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue  # it lives: another process serves the same folder
                self._sweep(number)
                lock.unlink(missing_ok=True)

    def _sweep(self, number: int) -> None:
        for draft in (self._root / "drafts").glob(f"{number:x}-*"):
            draft.unlink(missing_ok=True)
        for folder in (self._root / "bodies" / f"{number:x}").glob("*"):
            with self._index.reading() as db:
                for file in folder.iterdir():
                    body = number << 40 | int(file.name, 16)
                    if not db.execute(_NAMED, {"body": body}).fetchone():
                        file.unlink(missing_ok=True)
        with self._index.writing() as db:
            db.execute("update opening set swept = 1 where number = ?", (number,))

    def close(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread:
            self._thread.join()
        self._flush()
        self._index.checkpoint()
        self._index.close()
        os.close(self._held)


_NAMED = """
select 1 from version where body = :body union all select 1 from part where body = :body
union all select 1 from doomed where body = :body
"""
