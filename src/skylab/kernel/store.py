"""All state of the control plane: one SQLite file, one writer at a time, documents in AWS's own member names."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.migrations import migrate


class Missing(Exception):
    """There is no such resource. How that reads is each service's own dialect."""


class Exists(Exception):
    """There is such a resource already."""


def dump(doc: Any) -> str:
    return json.dumps(doc, default=lambda t: {"$time": t.timestamp()}, separators=(",", ":"))


def load(text: str) -> Any:
    return json.loads(text, object_hook=_load_time)


def _load_time(value: dict[str, Any]) -> Any:
    """Only what dump() writes is a time: maps that callers give hold strings, so theirs is never taken for one."""
    if len(value) == 1 and isinstance(seconds := value.get("$time"), float):
        return datetime.fromtimestamp(seconds, UTC)
    return value


@dataclass(frozen=True)
class Task:
    id: str
    kind: str
    target: Key
    state: str
    stop: float | None  # when a stop was asked for
    data: dict[str, Any]


class Store:
    """Writers take turns; readers see the last commit and wait for nobody.

    durable: "kill" survives the death of any process, "power" also a power cut (each commit is flushed to disk).
    """

    def __init__(self, path: Path, durable: str = "kill") -> None:
        self._path = path
        self._synchronous = {"kill": "normal", "power": "full"}[durable]
        self._lock = threading.RLock()
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._db = self._connect()
        migrate(self._db)
        self.changed: list[Callable[[], None]] = []  # told after each commit

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        self._path.chmod(0o600)
        db.execute("pragma journal_mode = wal")
        db.execute(f"pragma synchronous = {self._synchronous}")
        self._opened.append(db)
        return db

    @contextmanager
    def writing(self) -> Iterator["Transaction"]:
        """Everything inside happens, or none of it does."""
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield Transaction(self._db)
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
        for tell in self.changed:
            tell()

    @contextmanager
    def reading(self) -> Iterator["Transaction"]:
        """One snapshot; writing inside it is an error."""
        db = self._reader()
        db.execute("begin")
        try:
            yield Transaction(db)
        finally:
            db.execute("rollback")

    def look(self, question: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row that answers one question: its own snapshot, at a third of the price of reading().

        Never inside reading(), whose snapshot it would see.
        """
        row: tuple[Any, ...] | None = self._reader().execute(question, values).fetchone()
        return row

    def _reader(self) -> sqlite3.Connection:
        if (db := getattr(self._local, "db", None)) is None:
            db = self._local.db = self._connect()
            db.execute("pragma query_only = on")
        return db

    def close(self) -> None:
        for db in self._opened:
            db.close()


class Transaction:
    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def create(self, key: Key, doc: dict[str, Any], now: datetime) -> None:
        try:
            self.db.execute(
                "insert into resource values (?, ?, ?, ?, ?, ?, ?, ?)",
                (*key, now.timestamp(), now.timestamp(), dump(doc)),
            )
        except sqlite3.IntegrityError:
            raise Exists(key) from None

    def find(self, key: Key) -> dict[str, Any] | None:
        row = self.db.execute(
            "select doc from resource where (account, region, service, type, name) = (?, ?, ?, ?, ?)", key
        ).fetchone()
        return load(row[0]) if row else None

    def get(self, key: Key) -> dict[str, Any]:
        if (doc := self.find(key)) is None:
            raise Missing(key)
        return doc

    def put(self, key: Key, doc: dict[str, Any], now: datetime) -> None:
        """Replaces the whole document."""
        changed = self.db.execute(
            "update resource set doc = ?, modified = ? where (account, region, service, type, name) = (?, ?, ?, ?, ?)",
            (dump(doc), now.timestamp(), *key),
        )
        if not changed.rowcount:
            raise Missing(key)

    def update(self, key: Key, now: datetime, **changes: Any) -> dict[str, Any]:
        """Sets members (None takes one away) and returns the new document."""
        doc = self.get(key) | changes | {"LastModifiedTime": now}
        doc = {member: value for member, value in doc.items() if value is not None}
        self.put(key, doc, now)
        return doc

    def delete(self, key: Key) -> None:
        gone = self.db.execute(
            "delete from resource where (account, region, service, type, name) = (?, ?, ?, ?, ?)", key
        )
        if not gone.rowcount:
            raise Missing(key)

    def all(self, account: str, region: str, service: str, type: str, prefix: str = "") -> Iterator[dict[str, Any]]:
        """Documents of one type whose names begin with prefix, by name."""
        rows = self.db.execute(
            "select doc from resource where (account, region, service, type) = (?, ?, ?, ?)"
            " and name >= ? and substr(name, 1, ?) = ? order by name",
            (account, region, service, type, prefix, len(prefix), prefix),
        )
        return (load(doc) for (doc,) in rows)

    # -- work handed to the supervisor, in the same transaction as the state it is about

    def start(self, kind: str, target: Key, due: datetime, id: str, **data: Any) -> None:
        self.db.execute(
            "insert into task values (?, ?, ?, 'waiting', ?, null, ?)",
            (id, kind, str(target), due.timestamp(), dump(data)),
        )

    def stop(self, target: Key, now: datetime) -> None:
        """Asks the running tasks of a resource to stop; the first asking counts."""
        self.db.execute(
            "update task set stop = coalesce(stop, ?), due = ? where target = ? and state <> 'ended'",
            (now.timestamp(), now.timestamp(), str(target)),
        )

    def tasks(self, now: datetime | None = None, target: Key | None = None) -> list[Task]:
        """The tasks that have not ended: those due by now, or those of one resource."""
        rows = self.db.execute(
            "select id, kind, target, state, stop, data from task where state <> 'ended'"
            " and (? is null or due <= ?) and (? is null or target = ?) order by due, id",
            (due := now.timestamp() if now else None, due, text := str(target) if target else None, text),
        )
        return [Task(id, kind, Key.parse(key), state, stop, load(data)) for id, kind, key, state, stop, data in rows]

    def next_due(self) -> datetime | None:
        due = self.db.execute("select min(due) from task where state <> 'ended'").fetchone()[0]
        return None if due is None else datetime.fromtimestamp(due, UTC)

    def delay(self, task_id: str, due: datetime) -> None:
        self.db.execute("update task set due = ? where id = ?", (due.timestamp(), task_id))

    def move(self, task_id: str, state: str, **data: Any) -> None:
        """Sets a task's state and merges what it has to remember."""
        self.db.execute(
            "update task set state = ?, data = json_patch(data, ?) where id = ?", (state, dump(data), task_id)
        )
