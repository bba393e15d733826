"""Reading and following CloudWatch Logs."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from skylab.root import Refused

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
POLL_SECONDS = 1.0


def duration(text: str) -> timedelta:
    """10m, 2h, 30s, 1d. Raises Refused."""
    if not (match := re.fullmatch(r"(\d{1,6})([smhd])", text)):
        raise Refused(f"--since {text} cannot be read: write a number and s, m, h or d, as in 10m.")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def groups(logs: Any) -> Iterator[str]:
    for page in logs.get_paginator("describe_log_groups").paginate():
        yield from (group["logGroupName"] for group in page["logGroups"])


def events(logs: Any, group: str, start: int, follow: bool) -> Iterator[dict[str, Any]]:
    """Events from start (epoch milliseconds) in order; with follow, without end. Raises Refused: no such group."""
    seen: dict[str, int] = {}
    pause = threading.Event()
    while True:
        for event in _once(logs, group, start):
            if event["eventId"] not in seen:
                seen[event["eventId"]] = event["timestamp"]
                yield event
        if not follow:
            return
        # Late events may carry an earlier time: look a minute back, and forget what lies before that.
        start = max(start, max(seen.values(), default=start) - 60_000)
        seen = {id: time for id, time in seen.items() if time >= start}
        pause.wait(POLL_SECONDS)


def _once(logs: Any, group: str, start: int) -> Iterator[dict[str, Any]]:
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
        for page in pages:
            yield from page["events"]
    except logs.exceptions.ResourceNotFoundException:
        raise Refused(f"There is no log group {group}: `skylab logs` lists them.") from None
