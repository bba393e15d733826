"""Log events of one stream: put, and read by page."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from skylab.kernel import journal
from skylab.kernel.journal import Event, Place, StreamRow
from skylab.services.call import Call
from skylab.services.logs.names import group_of, invalid
from skylab.services.logs.streams import sequence_token

if TYPE_CHECKING:
    from skylab.shapes.logs import *

OLDEST, NEWEST, SPAN = timedelta(days=14), timedelta(hours=2), timedelta(hours=24)
TOKEN = re.compile(r"([fb])/(\d{20})(\d{36})/s")


class Events:
    def put_log_events(self, call: Call, request: PutLogEventsRequest) -> dict[str, Any]:
        events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
        _check(events)
        group = group_of(call, request)
        with call.writing() as tx:
            doc = tx.get(group)
            stream = journal.get_stream(tx, group, request["logStreamName"])
            taken, rejected = _divide(call, events, doc.get("retentionInDays"))
            if taken and taken[-1][0] - taken[0][0] > SPAN / timedelta(milliseconds=1):
                raise invalid("The batch of log events in a PutLogEvents request cannot span more than 24 hours.")
            journal.write(tx, stream, taken, call.now)
            stream = journal.get_stream(tx, group, stream.name)
        return {"nextSequenceToken": sequence_token(stream), "rejectedLogEventsInfo": rejected or None}

    def get_log_events(self, call: Call, request: GetLogEventsRequest) -> dict[str, Any]:
        forward, place = request.get("startFromHead", False), None
        with call.reading() as tx:
            stream = journal.get_stream(tx, group_of(call, request), request["logStreamName"])
            if "nextToken" in request:
                forward, place = _parse(request["nextToken"], stream)
            page = journal.read(
                tx,
                stream,
                request.get("startTime", 0),
                request.get("endTime", journal.FOREVER),
                place,
                forward,
                request.get("limit", 10_000),
            )
        # Without events both tokens stay where the reader is: a token that comes back unchanged ends the reading.
        here = place or Place(0, stream.id, 0)
        first, last = (page[0].place, page[-1].place) if page else (here, here)
        return {
            "events": [_shown(event) for event in page],
            "nextForwardToken": _token("f", last),
            "nextBackwardToken": _token("b", first),
        }


def _check(events: list[tuple[int, str]]) -> None:
    if any(later < earlier for (earlier, _), (later, _) in pairwise(events)):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if (size := sum(len(message.encode()) + journal.OVERHEAD for _, message in events)) > journal.PAGE_BYTES:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {journal.PAGE_BYTES}")


def _divide(
    call: Call, events: list[tuple[int, str]], retention: int | None
) -> tuple[list[tuple[int, str]], dict[str, int]]:
    """What is taken, and the RejectedLogEventsInfo of the rest; the events are in order."""
    too_old = journal.milliseconds(call.now - OLDEST)
    too_new = journal.milliseconds(call.now + NEWEST)
    expired = journal.milliseconds(call.now - timedelta(days=retention)) if retention else 0
    begin = sum(ms < max(too_old, expired) for ms, _ in events)
    end = sum(ms <= too_new for ms, _ in events)
    rejected = {}
    if old := sum(ms < too_old for ms, _ in events):
        rejected["tooOldLogEventEndIndex"] = old
    if begin > old:
        rejected["expiredLogEventEndIndex"] = begin
    if end < len(events):
        rejected["tooNewLogEventStartIndex"] = end
    return events[begin:end], rejected


def _token(direction: str, place: Place) -> str:
    return f"{direction}/{place.ms:020d}{place.sequence:036d}/s"


def _parse(token: str, stream: StreamRow) -> tuple[bool, Place]:
    if not (match := TOKEN.fullmatch(token)) or max(ms := int(match[2]), number := int(match[3])) > journal.FOREVER:
        raise invalid("The specified nextToken is invalid.")
    return match[1] == "f", Place(ms, stream.id, number)


def _shown(event: Event) -> dict[str, Any]:
    return {"timestamp": event.place.ms, "message": event.message, "ingestionTime": event.ingested}
