"""Time and names come in from outside, so that a test can hold them still."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class TestClock:
    """A clock that moves only when told."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    def __init__(self, start: datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, **delta: float) -> datetime:
        self._now += timedelta(**delta)
        return self._now


class Ids(Protocol):
    def new(self) -> str: ...


class RandomIds:
    """48 random bits as twelve hexadecimal digits."""

    def new(self) -> str:
        return secrets.token_hex(6)


class CountingIds:
    def __init__(self) -> None:
        self.count = 0

    def new(self) -> str:
        self.count += 1
        return f"{self.count:012d}"


def patience(seconds: float) -> float:
    """A deadline on the monotonic clock, for waiting on the world outside (a socket, a child), never for state."""
    return time.monotonic() + seconds


def expired(deadline: float) -> bool:
    return time.monotonic() >= deadline
