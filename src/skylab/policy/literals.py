"""Numbers and instants, as policies and requests write them.

An instant is an ISO 8601 date of the W3C's profile or the seconds since 1970; without a zone it is UTC.
https://www.w3.org/TR/NOTE-datetime
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

NUMBER = re.compile(r"[+-]?[0-9]{1,64}(\.[0-9]{1,64})?([eE][+-]?[0-9]{1,3})?")
EPOCH = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,9})?")
ISO = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?)?)?"
)
START = datetime(1970, 1, 1, tzinfo=UTC)
FURTHEST = 2**63 - 1


def number(text: str) -> Decimal:
    """Raises ValueError."""
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def instant(text: str) -> Decimal:
    """Seconds since 1970. Four digits are a year. Raises ValueError."""
    if found := ISO.fullmatch(text):
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        at = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), 0, UTC
        )
        return Decimal((at - START) // timedelta(seconds=1) - _offset(zone)) + Decimal(f"0.{fraction or 0}")
    if not EPOCH.fullmatch(text) or abs(Decimal(text)) > FURTHEST:
        raise ValueError(text)
    return Decimal(text)


def _offset(zone: str | None) -> int:
    """Seconds east of Greenwich."""
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    return (-1 if zone[0] == "-" else 1) * (hours * 3600 + minutes * 60)
