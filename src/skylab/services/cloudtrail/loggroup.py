"""A trail's records as events of a log group, written by the role that the trail names.

At least once, as AWS delivers them: a kill between PutLogEvents and its record writes them again.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/monitor-cloudtrail-log-files-with-cloudwatch-logs.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from skylab.services.cloudtrail import destinations
from skylab.services.cloudtrail.destinations import PRINCIPAL

if TYPE_CHECKING:
    from skylab.compute.world import World

SESSION = "CLOUDWATCH_LOGS_DELIVERY_SESSION"
MOST, MOST_BYTES, MOST_MS = 1000, 900_000, 23 * 3600 * 1000  # of one PutLogEvents, below its limits
LONGEST, OVERHEAD = 256 * 1024, 26  # bytes of an event; a longer record is in the bucket only
Events = list[tuple[int, str]]  # (milliseconds, record) each


def write(world: World, trail: dict[str, Any], region: str, events: Events) -> None:
    """Raises ClientError, and AwsError where the role is gone or does not trust CloudTrail."""
    found = destinations.LOG_GROUP.fullmatch(trail["CloudWatchLogsLogGroupArn"])
    assert found  # it was checked before the trail was kept
    role = trail["CloudWatchLogsRoleArn"]
    logs = world.assume("logs", found["region"], role, SESSION, PRINCIPAL, trail["TrailARN"])
    stream = f"{trail['TrailARN'].split(':')[4]}_CloudTrail_{region}"
    where = {"logGroupName": found["name"], "logStreamName": stream}
    for piece in pieces(sorted(events)):
        given = where | {"logEvents": [{"timestamp": ms, "message": text} for ms, text in piece]}
        try:
            logs.put_log_events(**given)
        except logs.exceptions.ResourceNotFoundException:
            logs.create_log_stream(**where)
            logs.put_log_events(**given)


def pieces(events: Events) -> Iterator[Events]:
    """Events in order of time, in portions that PutLogEvents takes."""
    piece: Events = []
    size = 0
    for ms, text in events:
        length = len(text.encode()) + OVERHEAD
        if length > LONGEST:
            continue
        if piece and (len(piece) == MOST or size + length > MOST_BYTES or ms - piece[0][0] > MOST_MS):
            yield piece
            piece, size = [], 0
        piece.append((ms, text))
        size += length
    if piece:
        yield piece
