"""The index of all objects: one SQLite file of versions, uploads and parts. A row is what makes a body visible.

Buckets are documents of the store, which is another file. A transaction here that depends on a bucket reads its
document inside, and DeleteBucket removes the document inside one: index first, then store, always in this order.
"""

import itertools
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skylab.kernel.migrations import migrate

_BITS = 40  # numbers of bodies that one opening has


class Index:
    """Writers take turns; readers see the last commit and wait for nobody. durable as in kernel.store.Store."""

    def __init__(self, path: Path, durable: str) -> None:
        self._path, self._synchronous = path, {"kill": "normal", "power": "full"}[durable]
        self._lock = threading.RLock()
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._db = self._connect()
        # The keeper moves the log into the file: a request never pays for it.
        self._db.execute("pragma wal_autocheckpoint = 0")
        migrate(self._db, Path(__file__).parent / "migrations")
        with self.writing() as db:
            row = db.execute("insert into opening default values returning number").fetchone()
        self.opening: int = row[0]
        self._numbers = itertools.count(self.opening << _BITS)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        self._path.chmod(0o600)
        db.execute("pragma journal_mode = wal")
        db.execute(f"pragma synchronous = {self._synchronous}")
        self._opened.append(db)
        return db

    def number(self) -> int:
        """A number that no body of this folder has or had."""
        return next(self._numbers)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Everything inside becomes visible at once, or none of it does."""
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield self._db
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One snapshot."""
        if (db := getattr(self._local, "db", None)) is None:
            db = self._local.db = self._connect()
            db.execute("pragma query_only = on")
        db.execute("begin")
        try:
            yield db
        finally:
            db.execute("rollback")

    def checkpoint(self) -> None:
        """Flushes the log to disk and moves what it can into the file. Waits for nobody."""
        db = self._connect_keeper()
        db.execute("pragma wal_checkpoint(passive)").fetchall()

    def _connect_keeper(self) -> sqlite3.Connection:
        if (db := getattr(self._local, "keeper", None)) is None:
            db = self._local.keeper = self._connect()
        return db

    def close(self) -> None:
        for db in self._opened:
            db.close()


def opening_of(body: int) -> int:
    return body >> _BITS


def split(body: int) -> tuple[int, int]:
    """(opening, count within it)"""
    return body >> _BITS, body & ((1 << _BITS) - 1)
