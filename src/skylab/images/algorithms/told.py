"""The log lines of the built-in algorithms, which their metric definitions read."""

import json
import os
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """What one host says. kind: "loss" or "score", as the metric definitions have it."""

    host: str

    def say(self, text: str) -> None:
        print(f"[{time.strftime('%m/%d/%Y %H:%M:%S')} INFO {os.getpid()}] {text}", flush=True)

    def epoch(self, number: int, channel: str, metric: str, value: float) -> None:
        self.say(f"#quality_metric: host={self.host}, epoch={number}, {channel} {metric} <loss>={float(value)!r}")

    def progress(self, done: int, epochs: int) -> None:
        self.say(f"#progress_metric: host={self.host}, completed {100 * done / epochs} % of epochs")

    def quality(self, channel: str, metric: str, value: float, kind: str = "loss") -> None:
        self.say(f"#quality_metric: host={self.host}, {channel} {metric} <{kind}>={float(value)!r}")

    def score(self, channel: str, metric: str, value: float, kind: str = "loss") -> None:
        """The result on a channel, in both forms that the algorithms log."""
        self.say(f"#{channel}_score ({self.host}) : {(metric, float(value))!r}")
        self.quality(channel, metric, value, kind)

    def throughput(self, records: int, began: float) -> None:
        """began: of time.monotonic."""
        rate = records / max(time.monotonic() - began, 1e-9)
        self.say(f"#throughput_metric: host={self.host}, train throughput={rate} records/second")

    def metrics(self, algorithm: str, values: dict[str, float]) -> None:
        """The line that the images print for their dashboards."""
        now = time.time()
        each = {name: {"sum": value, "count": 1, "min": value, "max": value} for name, value in values.items()}
        where = {"Algorithm": algorithm, "Host": self.host, "Operation": "training"}
        print(
            "#metrics " + json.dumps({"StartTime": now, "EndTime": now, "Dimensions": where, "Metrics": each}),
            flush=True,
        )
