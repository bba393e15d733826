"""Many timings as one line: median, p99, and how many times faster or slower the peers are."""

import os
import platform
from collections.abc import Sequence


def percentile(timings: Sequence[float], share: float) -> float:
    ordered = sorted(timings)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Table:
    """Rows by question; the first cloud is ours, and the ratio says how many times its median the peer's is."""

    def __init__(self, title: str) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        print(f"{title}: {cores} cores, Python {platform.python_version()}, load {load}", flush=True)
        print(f"{'':34}{'cloud':12}{'median':>12}{'p99':>12}  {'goal':12}ratio", flush=True)
        self.ours: dict[str, float] = {}

    def times(self, question: str, cloud: str, seconds: Sequence[float], goal: str = "") -> None:
        """Timings of one question, in seconds."""
        median = percentile(seconds, 0.5)
        self._line(question, cloud, f"{median * 1e3:.2f} ms", f"{percentile(seconds, 0.99) * 1e3:.2f} ms", goal, median)

    def rate(self, question: str, cloud: str, values: Sequence[float], unit: str, goal: str = "") -> None:
        """More is better: the best run and the median are shown."""
        best, median = max(values), percentile(values, 0.5)
        self._line(question, cloud, f"{median:.2f} {unit}", f"best {best:.2f}", goal, 1 / median)

    def value(self, question: str, cloud: str, text: str, goal: str = "") -> None:
        self._line(question, cloud, text, "", goal, None)

    def _line(self, question: str, cloud: str, median: str, p99: str, goal: str, cost: float | None) -> None:
        ratio = ""
        if cost is not None:
            ours = self.ours.setdefault(question, cost)
            ratio = f"{cost / ours:.1f}x" if ours is not cost else ""
        print(f"{question:34}{cloud:12}{median:>12}{p99:>12}  {goal:12}{ratio}", flush=True)
