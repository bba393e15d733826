"""What the profiler has gathered of a training: series of samples by instance, and its steps."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from skylab.images.rules.trial import Place

MICRO = 1_000_000
Array = np.ndarray[Any, Any]


class Event(NamedTuple):
    """A step of training or evaluation. Seconds since the epoch."""

    node: str
    mode: str
    number: int
    start: float
    end: float


class Series(NamedTuple):
    times: Array
    values: Array


@dataclass
class Profile:
    samples: dict[tuple[str, str, str, str], Series]  # node, Type, Name, Dimension
    steps: list[Event] = field(default_factory=list)

    @cached_property
    def nodes(self) -> list[str]:
        return sorted({node for node, *_ in self.samples} | {event.node for event in self.steps})

    @cached_property
    def began(self) -> float:
        times = [series.times[0] for series in self.samples.values()] + [event.start for event in self.steps]
        return float(min(times, default=0.0))

    @cached_property
    def ended(self) -> float:
        times = [series.times[-1] for series in self.samples.values()] + [event.end for event in self.steps]
        return float(max(times, default=0.0))

    def each(self, node: str, kind: str, dimension: str) -> dict[str, Series]:
        """By name: cpu0, cpu1, …"""
        return {
            name: series
            for (of, type, name, what), series in self.samples.items()
            if (of, type, what) == (node, kind, dimension)
        }

    def mean(self, node: str, kind: str, dimension: str) -> Series | None:
        """Over all names, sample by sample; None where there are none."""
        found = list(self.each(node, kind, dimension).values())
        if not found:
            return None
        length = min(len(series.times) for series in found)
        values = np.mean([series.values[:length] for series in found], axis=0)
        return Series(found[0].times[:length], values)

    def total(self, node: str, kind: str, dimension: str) -> Series | None:
        found, mean = self.each(node, kind, dimension), self.mean(node, kind, dimension)
        return Series(mean.times, mean.values * len(found)) if mean else None


class Gathered:
    """Reads what comes to a place, file by file; one that has grown is read again."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._samples: dict[str, list[dict[str, Any]]] = {}
        self._steps: dict[str, list[Event]] = {}

    def profile(self) -> Profile:
        """What there is by now."""
        names = self.place.list("system/incremental/")
        newest = set(names[-2 * len({name.rpartition(".algo")[2] for name in names}) :])
        for name in names:
            if name not in self._samples or name in newest:
                self._samples[name] = list(_lines(self.place.read(name)))
        for name in self.place.list("framework/pevents/"):
            if name.endswith("_pythontimeline.json") and name not in self._steps:
                node = name.rpartition("/")[2].split("_")[1]
                self._steps[name] = list(events(json.loads(self.place.read(name)), node))
        steps = sorted((event for each in self._steps.values() for event in each), key=lambda event: event.start)
        return Profile(series(line for each in self._samples.values() for line in each), steps)


def series(lines: Iterator[dict[str, Any]]) -> dict[tuple[str, str, str, str], Series]:
    found: dict[tuple[str, str, str, str], list[tuple[float, float]]] = {}
    for line in lines:
        key = line["NodeId"], line["Type"], line["Name"], line["Dimension"]
        found.setdefault(key, []).append((line["Timestamp"], line["Value"]))
    return {key: Series(*np.array(sorted(pairs)).T) for key, pairs in found.items()}


def events(trace: list[dict[str, Any]], node: str) -> Iterator[Event]:
    """The steps of a trace file."""
    named = [each for each in trace if each["ph"] == "M" and "start_time_since_epoch_in_micros" in each.get("args", {})]
    base = {each["pid"]: each["args"]["start_time_since_epoch_in_micros"] for each in named}
    for each in trace:
        if each["ph"] == "X" and each["name"].startswith("Step:"):
            start = (base[each["pid"]] + each["ts"]) / MICRO
            mode = each["name"].rpartition(".")[2]
            yield Event(node, mode, int(each["args"]["step_num"]), start, start + each["dur"] / MICRO)


def _lines(body: bytes) -> Iterator[dict[str, Any]]:
    """The last may be half written."""
    for line in body.decode().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return
