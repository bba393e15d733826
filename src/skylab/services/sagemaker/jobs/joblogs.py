"""What programs say: shipped to CloudWatch Logs while they run, and searched for metrics when they have ended."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

import regex

from skylab.kernel import journal
from skylab.kernel.store import Missing, Transaction

READ = 1 << 20  # bytes of one look
LONGEST = 200_000  # characters of one event: CloudWatch takes 256 KB
TAIL = 4096
Stream = tuple[str, str, str, str]  # account, region, group, stream
PATIENCE = 0.2  # seconds that a user's expression may take for a line


def ship(tx: Transaction, to: tuple[str, str, str, str], log: Path, offset: int, now: datetime, ended: bool) -> int:
    """Appends the lines from offset on to the stream (account, region, group, stream): the offset after them.

    A line without its end waits for it, unless there is none to come or it is very long.
    """
    data = _read(log, offset)
    end = data.rfind(b"\n") + 1
    if len(data) == READ and not end or len(data) < READ and ended:
        end = len(data)
    if lines := list(_lines(data[:end])):
        at = journal.milliseconds(now)
        journal.append(tx, *to, [(at, line[:LONGEST]) for line in lines], now)
    return offset + end


def _read(log: Path, offset: int) -> bytes:
    try:
        with log.open("rb") as file:
            file.seek(offset)
            return file.read(READ)
    except FileNotFoundError:
        return b""


def _lines(data: bytes) -> Iterator[str]:
    """As CloudWatch shows them: a TAB is #011, an empty line is none."""
    for line in data.decode(errors="replace").split("\n"):
        if line := line.rstrip("\r").replace("\t", "#011"):
            yield line


def tail(log: Path) -> str:
    """The last lines of a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            return file.read().decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


@dataclass(frozen=True)
class Said:
    """What was shipped since somebody last looked, in the order in which it was printed.

    places: by stream, how far that is.
    """

    lines: list[str]
    places: dict[str, tuple[int, int, int]]


def more(tx: Transaction, streams: Iterable[Stream], places: Mapping[str, Sequence[int]]) -> bool:
    """Whether anything was shipped behind places."""
    rows = (_row(tx, stream) for stream in streams)
    return any(row is not None and row.sequence > places.get(row.name, (0, 0, 0))[2] for row in rows)


def said(tx: Transaction, streams: Iterable[Stream], places: Mapping[str, Sequence[int]]) -> Said | None:
    """The lines behind places; None where there are none."""
    found: list[journal.Event] = []
    for row in filter(None, (_row(tx, stream) for stream in streams)):
        after = journal.Place(*places[row.name]) if row.name in places else None
        found += journal.read(tx, row, place=after)
    if not found:
        return None
    found.sort(key=lambda event: (event.place.ms, event.place.sequence))
    return Said([event.message for event in found], {event.stream: (*event.place,) for event in found})


def _row(tx: Transaction, stream: Stream) -> journal.StreamRow | None:
    account, region, group, name = stream
    try:
        return journal.get_stream(tx, journal.group_key(account, region, group), name)
    except Missing:
        return None


def values(lines: Iterable[str], expression: str) -> list[float]:
    """Of a metric, in the order of the lines, which are as CloudWatch shows them."""
    pattern = regex.compile(expression)
    return [value for line in lines if (value := _value(pattern, line.replace("#011", "\t"))) is not None]


def metrics(logs: list[Path], definitions: list[dict[str, Any]]) -> dict[str, float]:
    """The last value of each metric, searched from the end: a metric that was found is not looked for any more."""
    wanted = {metric["Name"]: regex.compile(metric["Regex"]) for metric in definitions}
    found: dict[str, float] = {}
    for log in logs:
        text = log.read_text(errors="replace") if log.exists() else ""
        for line in reversed(text.split("\n")):
            for name in [name for name in wanted if name not in found]:
                if (value := _value(wanted[name], line)) is not None:
                    found[name] = value
            if len(found) == len(wanted):
                return found
    return found


def _value(pattern: Any, line: str) -> float | None:
    escaped = line.replace("\t", "#011")
    for text in (line, escaped) if escaped != line else (line,):
        try:
            if match := pattern.search(text, timeout=PATIENCE):
                return value if isfinite(value := float(match[1])) else None
        except (IndexError, ValueError, TypeError, TimeoutError):
            continue
    return None
