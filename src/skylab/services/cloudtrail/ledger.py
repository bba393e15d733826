"""Every event that was recorded: one SQLite file, committed before the call that it tells of is answered.

Appending is a group commit: whoever holds the lock writes what all others are waiting for. The write-ahead log is moved
into the file, and what is old is forgotten, beside the calls and in small bites: a call never pays for either.
"""

import json
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from skylab.kernel.migrations import migrate

KEPT = timedelta(days=90)  # of management events, as AWS's event history
UPKEEP = 500  # appends between two rounds of upkeep
BITE = 200  # events that are forgotten in one transaction
FORGOTTEN = 2 * UPKEEP  # and in one round: more than came in since the last one
ATTRIBUTES = {
    "EventId": "event_id",
    "EventName": "name",
    "EventSource": "source",
    "ReadOnly": "read_only",
    "Username": "username",
    "AccessKeyId": "access_key",
}


@dataclass(frozen=True)
class Event:
    """One record and what is looked up in it. resources: (type, name) each."""

    account: str
    region: str
    ms: int
    data: bool
    trails: tuple[str, ...]
    record: bytes
    event_id: str
    name: str
    source: str
    read_only: bool
    username: str | None = None
    access_key: str | None = None
    resources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Place:
    """Where an event stands in the history of its account and region."""

    ms: int
    id: int


@dataclass
class _Waiting:
    event: Event
    done: bool = field(default=False)
    problem: Exception | None = field(default=None)


class Ledger:
    """Safe to use from any thread. durable: as in kernel.store.Store."""

    def __init__(self, path: Path, durable: str) -> None:
        self._path, self.durable = path, durable
        self._synchronous = {"kill": "normal", "power": "full"}[durable]
        self._lock, self._local = threading.Lock(), threading.local()
        self._waiting: deque[_Waiting] = deque()
        self._opened: list[sqlite3.Connection] = []
        self._db = self._connect()
        self._db.execute("pragma wal_autocheckpoint = 0")
        migrate(self._db, Path(__file__).parent / "migrations")
        self._appended = 0
        self._keeping = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        self._path.chmod(0o600)
        db.execute("pragma journal_mode = wal")
        db.execute(f"pragma synchronous = {self._synchronous}")
        self._opened.append(db)
        return db

    # -- writing

    def append(self, event: Event) -> None:
        """Returns once the event is committed. Raises what SQLite raises: then the call must not be answered."""
        place = _Waiting(event)
        self._waiting.append(place)
        with self._lock:
            if not place.done:
                self._commit([self._waiting.popleft() for _ in range(len(self._waiting))])
        if place.problem is not None:
            raise place.problem

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            with self._transaction() as db:
                for place in batch:
                    _insert(db, place.event)
        except sqlite3.Error as problem:
            for place in batch:
                place.problem = problem
        for place in batch:
            place.done = True
        before, self._appended = self._appended, self._appended + len(batch)
        if before // UPKEEP != self._appended // UPKEEP:
            now = datetime.fromtimestamp(batch[-1].event.ms / 1000, UTC)
            self._keeping.submit(self.upkeep, now)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """The caller holds the lock."""
        self._db.execute("begin immediate")
        try:
            yield self._db
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    def upkeep(self, now: datetime) -> None:
        """Forgets some of what is older than 90 days, then moves the log into the file. Waits for nobody."""
        self.purge(now)
        with self._connection() as db:
            db.execute("pragma wal_checkpoint(passive)").fetchall()

    def purge(self, now: datetime, limit: int = FORGOTTEN) -> int:
        """Forgets up to limit events that are older than 90 days, the oldest first, and says how many."""
        before, gone = _ms(now - KEPT), 0
        while gone < limit:
            with self._lock, self._transaction() as db:
                rows = db.execute(
                    "select id, account, region, ms from event order by id limit ?", (min(BITE, limit - gone),)
                ).fetchall()
                old = [row for row in rows if row[3] < before]
                db.executemany("delete from entry where (id, account, region, ms) = (?, ?, ?, ?)", old)
                db.executemany("delete from event where id = ?", [row[:1] for row in old])
            gone += len(old)
            if len(old) < BITE:
                break
        return gone

    def purge_data(self, upto: int, limit: int = FORGOTTEN) -> int:
        """Forgets up to limit data events, up to the number that every trail has delivered."""
        gone = 0
        while gone < limit:
            with self._lock, self._transaction() as db:
                some = "select id from event where data = 1 and id <= ? order by id limit ?"
                count = db.execute(f"delete from event where id in ({some})", (upto, min(BITE, limit - gone))).rowcount
            gone += count
            if count < BITE:
                break
        return gone

    # -- reading

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        if (db := getattr(self._local, "db", None)) is None:
            db = self._local.db = self._connect()
        yield db

    def last(self) -> int:
        """The number of the newest event; 0 when there was none."""
        with self._connection() as db:
            row = db.execute("select coalesce(max(seq), 0) from sqlite_sequence where name = 'event'").fetchone()
        return int(row[0])

    def selected(self, trail: str, after: int, upto: int, limit: int) -> list[tuple[int, str, int, bytes]]:
        """(number, region, ms, record) of the events that the trail with this id selects, in order of commits."""
        with self._connection() as db:
            return db.execute(
                "select id, region, ms, record from event where id > ? and id <= ? and instr(trails, ?) order by id"
                " limit ?",
                (after, upto, f" {trail} ", limit),
            ).fetchall()

    def history(
        self,
        account: str,
        region: str,
        start: datetime,
        end: datetime,
        attribute: tuple[str, str] | None = None,
        before: Place | None = None,
        limit: int = 50,
    ) -> list[tuple[Place, bytes, list[list[str]]]]:
        """(place, record, resources) of management events, newest first; start and end are inclusive.

        attribute: (name, value) as LookupEvents says it. before: the place of the last event seen.
        """
        wanted, values = _wanted(attribute)
        place = before or Place(_ms(end), 2**62)
        with self._connection() as db:
            rows = db.execute(
                "select entry.ms, id, record, resources from entry join event using (id)"
                " where (entry.account, entry.region) = (?, ?) and entry.ms >= ? and entry.ms <= ?"
                f" and (entry.ms, id) < (?, ?){wanted} order by entry.ms desc, id desc limit ?",
                (account, region, _ms(start), _ms(end), place.ms, place.id, *values, limit),
            ).fetchall()
        return [(Place(ms, id), record, json.loads(resources)) for ms, id, record, resources in rows]

    def close(self) -> None:
        self._keeping.shutdown(wait=True)
        for db in self._opened:
            db.close()


def _insert(db: sqlite3.Connection, event: Event) -> None:
    trails = f" {' '.join(event.trails)} " if event.trails else ""
    made = db.execute(
        "insert into event (account, region, ms, data, trails, record) values (?, ?, ?, ?, ?, ?)",
        (event.account, event.region, event.ms, event.data, trails, event.record),
    )
    if event.data:
        return
    db.execute(
        "insert into entry values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(event.account, event.region, event.ms, made.lastrowid, event.event_id, event.name, event.source),
            *("true" if event.read_only else "false", event.username, event.access_key),
            json.dumps(event.resources, separators=(",", ":")),
        ),
    )


def _wanted(attribute: tuple[str, str] | None) -> tuple[str, list[Any]]:
    if attribute is None:
        return "", []
    name, value = attribute
    if name in ATTRIBUTES:
        return f" and entry.{ATTRIBUTES[name]} = ?", [value]
    part = {"ResourceType": 0, "ResourceName": 1}[name]
    each = f"select 1 from json_each(resources) as pair where json_extract(pair.value, '$[{part}]') = ?"
    return f" and exists ({each})", [value]


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)
