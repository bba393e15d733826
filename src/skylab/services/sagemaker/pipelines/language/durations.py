"""Durations as CacheConfig has them: ISO 8601, and as leniently as AWS's own examples: P30D, p30d, 30d, T16m, P4DT12H.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching-enabling.html
"""

import re
from datetime import timedelta

DAYS = {"Y": 365, "M": 30, "W": 7, "D": 1}
SECONDS = {"H": 3600, "M": 60, "S": 1}
FORM = re.compile(r"P?((?:\d+[YMWD])*)(?:T((?:\d+[HMS])+))?")
PART = re.compile(r"(\d+)([A-Z])")


def parse(text: str) -> timedelta:
    """A year has 365 days, a month 30. Raises ValueError."""
    found = FORM.fullmatch(text.upper())
    if found is None or not any(found.groups()):
        raise ValueError(text)
    days = sum(int(n) * DAYS[unit] for n, unit in PART.findall(found[1]))
    seconds = sum(int(n) * SECONDS[unit] for n, unit in PART.findall(found[2] or ""))
    try:
        return timedelta(days=days, seconds=seconds)
    except OverflowError:
        raise ValueError(text) from None
