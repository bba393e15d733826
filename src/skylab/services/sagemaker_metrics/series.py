"""A metric's points drawn as a query wants them: by iteration, or by periods of time."""

from collections.abc import Callable, Iterable, Mapping
from math import sqrt
from typing import Any

from skylab.kernel.points import STEPLESS, Point

PERIODS = {"OneMinute": 60_000, "FiveMinute": 300_000, "OneHour": 3_600_000}
Values = list[float]


def _deviation(values: Values) -> float:
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / len(values))


STATISTICS: dict[str, Callable[[Values], float]] = {
    "Min": min,
    "Max": max,
    "Avg": lambda values: sum(values) / len(values),
    "Count": lambda values: float(len(values)),
    "StdDev": _deviation,
    "Last": lambda values: values[-1],
}


def mistaken(query: Mapping[str, Any]) -> str:
    """What is wrong with a query, or ""."""
    if (query["XAxisType"] == "IterationNumber") != (query["Period"] == "IterationNumber"):
        return f"The period {query['Period']} does not go with the x axis {query['XAxisType']}."
    return ""


def drawn(found: Iterable[Point], query: Mapping[str, Any]) -> list[tuple[int, float]]:
    """x and y, by x. x: the iteration, or the milliseconds since 1970 at which a period begins; Start and End likewise.

    found: by time, so that the last of a group is the latest.
    """
    groups: dict[int, Values] = {}
    for point in found:
        if query["XAxisType"] == "IterationNumber":
            x = point.step
            if x == STEPLESS:
                continue
        else:
            x = point.ms - point.ms % PERIODS[query["Period"]]
        if query.get("Start", x) <= x <= query.get("End", x):
            groups.setdefault(x, []).append(point.value)
    statistic = STATISTICS[query["MetricStat"]]
    return [(x, statistic(groups[x])) for x in sorted(groups)]
