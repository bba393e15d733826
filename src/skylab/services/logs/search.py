"""FilterLogEvents: the events of many streams, in one order, that a pattern lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel import journal
from skylab.kernel.journal import Event, Place, StreamRow
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.logs.names import group_of, invalid, place_in, token
from skylab.services.logs.pattern import BadPattern, matcher

if TYPE_CHECKING:
    from skylab.shapes.logs import *

SCANNED = 50_000  # events looked at for one page; AWS too answers pages that are not full
EPOCH_2024 = 1_704_067_200_000


class Search:
    def filter_log_events(self, call: Call, request: FilterLogEventsRequest) -> dict[str, Any]:
        try:
            matches = matcher(request.get("filterPattern", ""))
        except BadPattern as error:
            raise invalid(str(error)) from None
        start, end = request.get("startTime", 0), request.get("endTime", journal.FOREVER - 1)
        descending, place = _from(request)
        limit, size, scanned = request.get("limit", 10_000), 0, 0
        found: list[dict[str, Any]] = []
        with call.reading() as tx:
            streams = _streams(tx, group_of(call, request), request)
            more = False
            for event in journal.merged(tx, streams, start, end + 1, place, descending):
                wanted = matches(event.message)
                size += event.size if wanted else 0
                if scanned == SCANNED or len(found) == limit or (found and size > journal.PAGE_BYTES):
                    more = True
                    break
                scanned, place = scanned + 1, event.place
                if wanted:
                    found.append(_shown(event))
        next_token = {"nextToken": token("d" if descending else "a", *place)} if more and place else {}
        return {"events": found, "searchedLogStreams": []} | next_token


def _from(request: FilterLogEventsRequest) -> tuple[bool, Place | None]:
    """Direction and place; a token carries both."""
    if "nextToken" in request:
        direction, *place = place_in(request["nextToken"], str, int, int, int)
        return direction == "d", Place(*place)
    descending = not request.get("startFromHead", True)
    if descending and request.get("startTime", 0) < EPOCH_2024:
        raise invalid("startFromHead may be false only with a startTime on or after 2024-01-01T00:00:00Z.")
    return descending, None


def _streams(tx: Transaction, group: Key, request: FilterLogEventsRequest) -> list[StreamRow]:
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
    if names and prefix:
        raise invalid("Parameters 'logStreamNames' and 'logStreamNamePrefix' are mutually exclusive")
    tx.get(group)
    if names:
        return [journal.get_stream(tx, group, name) for name in dict.fromkeys(names)]
    return journal.streams(tx, group, prefix or "")


def _shown(event: Event) -> dict[str, Any]:
    ms, stream, sequence = event.place
    return {
        "logStreamName": event.stream,
        "timestamp": ms,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": f"{ms:020d}{stream:018d}{sequence:018d}",
    }
