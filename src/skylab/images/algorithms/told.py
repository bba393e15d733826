"""The log lines of the built-in algorithms, which their metric definitions read."""

import json
import logging
import sys
import time
from dataclasses import dataclass

log = logging.getLogger("algorithm")


def begin() -> None:
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="[%(asctime)s %(levelname)s %(process)d] %(message)s",
        datefmt="%m/%d/%Y %H:%M:%S",
        force=True,
    )


@dataclass(frozen=True)
class Told:
    """What one host says. kind: "loss" or "score", as the metric definitions have it."""

    host: str

    def say(self, text: str) -> None:
        log.info(text)

    def epoch(self, number: int, channel: str, metric: str, value: float) -> None:
        log.info(
            "#quality_metric: host=%s, epoch=%d, %s %s <loss>=%r", self.host, number, channel, metric, float(value)
        )

    def progress(self, done: int, epochs: int) -> None:
        log.info("#progress_metric: host=%s, completed %s %% of epochs", self.host, 100 * done / epochs)

    def quality(self, channel: str, metric: str, value: float, kind: str = "loss") -> None:
        log.info("#quality_metric: host=%s, %s %s <%s>=%r", self.host, channel, metric, kind, float(value))

    def score(self, channel: str, metric: str, value: float, kind: str = "loss") -> None:
        """The result on a channel, in both forms that the algorithms log."""
        log.info("#%s_score (%s) : %r", channel, self.host, (metric, float(value)))
        self.quality(channel, metric, value, kind)

    def throughput(self, records: int, began: float) -> None:
        """began: of time.monotonic."""
        rate = records / max(time.monotonic() - began, 1e-9)
        log.info("#throughput_metric: host=%s, train throughput=%s records/second", self.host, rate)

    def metrics(self, algorithm: str, values: dict[str, float]) -> None:
        """The line that the images print for their dashboards."""
        now = time.time()
        each = {name: {"sum": value, "count": 1, "min": value, "max": value} for name, value in values.items()}
        where = {"Algorithm": algorithm, "Host": self.host, "Operation": "training"}
        print(
            "#metrics " + json.dumps({"StartTime": now, "EndTime": now, "Dimensions": where, "Metrics": each}),
            flush=True,
        )
