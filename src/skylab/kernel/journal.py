"""The log events of CloudWatch Logs: appended in batches, read by place, never held in memory as a whole.

An event's place is (timestamp, stream, number within the stream); every token is a place, so that events coming in
while somebody reads are neither skipped nor shown twice. Appending takes part in the caller's transaction: what a job
wrote and how far it was read are committed together.
"""

import heapq
import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from skylab.kernel.key import Key
from skylab.kernel.store import Exists, Missing, Transaction

PAGE_BYTES = 1024 * 1024  # of one answer, as AWS limits it
OVERHEAD = 26  # bytes that AWS counts for an event beside its message
FOREVER = 2**62


class Place(NamedTuple):
    """Where an event stands: among the events of all streams, or of its own."""

    ms: int
    stream: int
    sequence: int


class Event(NamedTuple):
    place: Place
    stream: str
    ingested: int
    message: str

    @property
    def size(self) -> int:
        return len(self.message.encode()) + OVERHEAD


class StreamRow(NamedTuple):
    id: int
    name: str
    created: int
    first: int | None
    last: int | None
    ingested: int | None
    sequence: int
    bytes: int


STREAM = ", ".join(StreamRow._fields)


def milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def group_key(account: str, region: str, group: str) -> Key:
    return Key(account, region, "logs", "group", group)


def create_group(tx: Transaction, key: Key, now: datetime, **members: Any) -> None:
    """members: further members of the document, as DescribeLogGroups names them. Raises Exists."""
    arn = f"arn:aws:logs:{key.region}:{key.account}:log-group:{key.name}"
    doc = {
        "logGroupName": key.name,
        "creationTime": milliseconds(now),
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "logGroupClass": "STANDARD",
        "_": {"tags": {}},
    }
    tx.create(key, doc | members, now)


def delete_group(tx: Transaction, key: Key) -> None:
    """With all its streams and events. Raises Missing."""
    tx.delete(key)
    tx.db.execute(
        "delete from log_event where stream in (select id from log_stream where (account, region, grp) = (?, ?, ?))",
        (key.account, key.region, key.name),
    )
    tx.db.execute(
        "delete from log_stream where (account, region, grp) = (?, ?, ?)", (key.account, key.region, key.name)
    )


def create_stream(tx: Transaction, group: Key, name: str, now: datetime) -> None:
    """Raises Missing (the group) and Exists."""
    tx.get(group)
    made = tx.db.execute(
        "insert or ignore into log_stream (account, region, grp, name, created) values (?, ?, ?, ?, ?)",
        (group.account, group.region, group.name, name, milliseconds(now)),
    )
    if not made.rowcount:
        raise Exists(_stream_key(group, name))


def delete_stream(tx: Transaction, group: Key, name: str) -> None:
    """Raises Missing."""
    stream = get_stream(tx, group, name)
    tx.db.execute("delete from log_event where stream = ?", (stream.id,))
    tx.db.execute("delete from log_stream where id = ?", (stream.id,))


def get_stream(tx: Transaction, group: Key, name: str) -> StreamRow:
    """Raises Missing: the group, or else the stream."""
    if (stream := _find_stream(tx, group, name)) is None:
        tx.get(group)
        raise Missing(_stream_key(group, name))
    return stream


def _find_stream(tx: Transaction, group: Key, name: str) -> StreamRow | None:
    row = tx.db.execute(
        f"select {STREAM} from log_stream where (account, region, grp, name) = (?, ?, ?, ?)",
        (group.account, group.region, group.name, name),
    ).fetchone()
    return StreamRow(*row) if row else None


def _stream_key(group: Key, name: str) -> Key:
    return group._replace(type="stream", name=f"{group.name}:{name}")


def streams(
    tx: Transaction,
    group: Key,
    prefix: str = "",
    by_time: bool = False,
    descending: bool = False,
    after: tuple[int, str] | None = None,
    limit: int = -1,
) -> list[StreamRow]:
    """Streams by name, or by the time of their last event, from behind after = (that time or 0, name)."""
    order, compare = ("desc", "<") if descending else ("asc", ">")
    columns = ["coalesce(last, 0)", "name"] if by_time else ["name"]
    begin = after[-len(columns) :] if after else ()
    rows = tx.db.execute(
        f"select {STREAM} from log_stream where (account, region, grp) = (?, ?, ?)"
        " and name >= ? and substr(name, 1, ?) = ?"
        + (f" and ({', '.join(columns)}) {compare} ({', '.join('?' * len(begin))})" if begin else "")
        + f" order by {', '.join(f'{column} {order}' for column in columns)} limit ?",
        (group.account, group.region, group.name, prefix, len(prefix), prefix, *begin, limit),
    )
    return [StreamRow(*row) for row in rows]


def stored_bytes(tx: Transaction, group: Key) -> int:
    return tx.db.execute(
        "select coalesce(sum(bytes), 0) from log_stream where (account, region, grp) = (?, ?, ?)",
        (group.account, group.region, group.name),
    ).fetchone()[0]


def append(
    tx: Transaction,
    account: str,
    region: str,
    group: str,
    stream: str,
    events: Iterable[tuple[int, str]],
    now: datetime,
) -> None:
    """Adds (milliseconds, message) events; makes the group and the stream where they are missing."""
    key = group_key(account, region, group)
    if (row := _find_stream(tx, key, stream)) is None:
        if tx.find(key) is None:
            create_group(tx, key, now)
        create_stream(tx, key, stream, now)
        row = get_stream(tx, key, stream)
    write(tx, row, events, now)


def write(tx: Transaction, stream: StreamRow, events: Iterable[tuple[int, str]], now: datetime) -> None:
    """Adds events to a stream, in any order of their timestamps. stream: as this transaction reads it."""
    at, first, last, size, number = milliseconds(now), stream.first, stream.last, 0, stream.sequence
    for ms, message in events:
        number += 1
        tx.db.execute("insert into log_event values (?, ?, ?, ?, ?)", (stream.id, ms, number, at, message))
        first = ms if first is None else min(first, ms)
        last = ms if last is None else max(last, ms)
        size += len(message.encode()) + OVERHEAD
    if size:
        tx.db.execute(
            "update log_stream set first = ?, last = ?, ingested = ?, sequence = ?, bytes = bytes + ? where id = ?",
            (first, last, at, number, size, stream.id),
        )


def read(
    tx: Transaction,
    stream: StreamRow,
    start: int = 0,
    end: int = FOREVER,
    place: Place | None = None,
    forward: bool = True,
    limit: int = 10_000,
) -> list[Event]:
    """One page of a stream, oldest first: the first events behind place, or (not forward) the last ones before it.

    start is inclusive, end is not; without a place from the beginning, or from the end. A page has 1 MB at most, and
    one event at least.
    """
    page: list[Event] = []
    size = 0
    for event in itertools.islice(_scan(tx, stream, start, end, place, not forward), limit):
        size += event.size
        if page and size > PAGE_BYTES:
            break
        page.append(event)
    return page if forward else page[::-1]


def merged(
    tx: Transaction,
    streams: list[StreamRow],
    start: int = 0,
    end: int = FOREVER,
    place: Place | None = None,
    descending: bool = False,
) -> Iterator[Event]:
    """The events of many streams in one order by place, from behind place; start is inclusive, end is not.

    A stream is opened only when the merge reaches its first event: of ten thousand jobs, those that ran at the time.
    """
    sign = -1 if descending else 1
    waiting = [((s.last if descending else s.first) or 0, s) for s in streams if s.first is not None]
    waiting.sort(key=lambda pair: (sign * pair[0], pair[1].id), reverse=True)  # the next one at the end
    heap: list[tuple[int, int, int, Event, Iterator[Event]]] = []

    def push(events: Iterator[Event]) -> None:
        if (event := next(events, None)) is not None:
            ms, stream, sequence = event.place
            heapq.heappush(heap, (sign * ms, sign * stream, sign * sequence, event, events))

    while waiting or heap:
        while waiting and (not heap or sign * waiting[-1][0] <= heap[0][0]):
            push(_scan(tx, waiting.pop()[1], start, end, place, descending))
        if heap:
            _, _, _, event, events = heapq.heappop(heap)
            yield event
            push(events)


def _scan(
    tx: Transaction, stream: StreamRow, start: int, end: int, place: Place | None, descending: bool
) -> Iterator[Event]:
    order, compare = ("desc", "<") if descending else ("asc", ">")
    start, end = min(start, FOREVER), min(end, FOREVER)  # what SQLite can count to
    place = place or (Place(FOREVER, 0, 0) if descending else Place(0, 0, 0))
    lowest, highest = (start, min(end, place.ms + 1)) if descending else (max(start, place.ms), end)
    rows = tx.db.execute(
        "select ms, sequence, ingested, message from log_event where stream = ? and ms >= ? and ms < ?"
        f" and (+ms, ?, sequence) {compare} (?, ?, ?) order by ms {order}, sequence {order}",
        (stream.id, lowest, highest, stream.id, *place),
    )
    for ms, sequence, ingested, message in rows:
        yield Event(Place(ms, stream.id, sequence), stream.name, ingested, message)


def expire(tx: Transaction, group: Key, before: int, limit: int = 10_000) -> int:
    """Forgets up to limit events of a group that are older than before (milliseconds), and says how many it found."""
    left = limit
    for stream in streams(tx, group):
        if stream.first is None or stream.first >= before or not left:
            continue
        gone = tx.db.execute(
            "delete from log_event where (stream, ms, sequence) in (select stream, ms, sequence from log_event"
            " where stream = ? and ms < ? order by ms, sequence limit ?) returning message",
            (stream.id, before, left),
        )
        sizes = [len(message.encode()) + OVERHEAD for (message,) in gone]
        tx.db.execute(
            "update log_stream set bytes = bytes - ?1, first = (select min(ms) from log_event where stream = ?2),"
            " last = (select max(ms) from log_event where stream = ?2) where id = ?2",
            (sum(sizes), stream.id),
        )
        left -= len(sizes)
    return limit - left
