"""Log streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel import journal
from skylab.kernel.journal import StreamRow
from skylab.services.call import Call
from skylab.services.logs.names import group_of, invalid, place_in, token

if TYPE_CHECKING:
    from skylab.shapes.logs import *


class Streams:
    def create_log_stream(self, call: Call, request: CreateLogStreamRequest) -> None:
        with call.writing() as tx:
            journal.create_stream(tx, group_of(call, request), request["logStreamName"], call.now)

    def delete_log_stream(self, call: Call, request: DeleteLogStreamRequest) -> None:
        with call.writing() as tx:
            group = group_of(call, request)
            tx.get(group)
            journal.delete_stream(tx, group, request["logStreamName"])

    def describe_log_streams(self, call: Call, request: DescribeLogStreamsRequest) -> dict[str, Any]:
        group, prefix = group_of(call, request), request.get("logStreamNamePrefix", "")
        by_time = request.get("orderBy") == "LastEventTime"
        if by_time and prefix:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        after = place_in(request["nextToken"], int, str) if "nextToken" in request else None
        limit = request.get("limit", 50)
        with call.reading() as tx:
            doc = tx.get(group)
            page = journal.streams(
                tx,
                group,
                prefix,
                by_time=by_time,
                descending=request.get("descending", False),
                after=(after[0], after[1]) if after else None,
                limit=limit + 1,
            )
        shown = [_shown(stream, doc["logGroupArn"]) for stream in page[:limit]]
        more = {"nextToken": token(page[limit - 1].last or 0, page[limit - 1].name)} if len(page) > limit else {}
        return {"logStreams": shown} | more


def _shown(stream: StreamRow, group_arn: str) -> dict[str, Any]:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first,
        "lastEventTimestamp": stream.last,
        "lastIngestionTime": stream.ingested,
        "uploadSequenceToken": sequence_token(stream),
        "arn": f"{group_arn}:log-stream:{stream.name}",
        "storedBytes": 0,  # AWS reports none for a stream since 2019
    }


def sequence_token(stream: StreamRow) -> str:
    """Nobody has to send it any more, but older SDKs carry it along."""
    return f"{stream.id:020d}{stream.sequence:036d}"
