"""The times of a training's steps, in the trace files of smdebug: what the profiler knows of the framework.

    framework/pevents/2026112316/1795450912000000_algo-1_pythontimeline.json    named by its last event's end, in µs

A step lasts from its model's call to the last that was heard of it: its loss, or the last of its gradients.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

from skylab.images.debugging.configuration import within
from skylab.images.folders import Folders

EVERY = 30.0  # seconds that a file holds
MICRO = 1_000_000


class Timeline:
    def __init__(self, folder: Path, node: str) -> None:
        self.folder, self.node = folder, node
        self._events: list[tuple[str, int, float, float]] = []
        self._since = time.time()

    def add(self, mode: str, step: int, start: float, end: float) -> None:
        """Seconds since the epoch."""
        self._events.append((mode, step, start, end))
        if end - self._since > EVERY:
            self.close()

    def close(self) -> None:
        if not self._events:
            return
        base, last = self._events[0][2], max(end for _, _, _, end in self._events)
        path = self.folder / time.strftime("framework/pevents/%Y%m%d%H", time.gmtime(base))
        path /= f"{int(last * MICRO)}_{self.node}_pythontimeline.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".tmp")
        draft.write_text(json.dumps(self._told(base)))
        os.replace(draft, path)
        self._events, self._since = [], time.time()

    def _told(self, base: float) -> list[dict[str, Any]]:
        modes = sorted({mode for mode, *_ in self._events})
        told: list[dict[str, Any]] = []
        for number, mode in enumerate(modes):
            start = {"start_time_since_epoch_in_micros": int(base * MICRO)}
            told.append(
                {"name": "process_name", "ph": "M", "pid": number, "args": {"name": f"Step:ModeKeys.{mode}"} | start}
            )
            told.append({"name": "process_sort_index", "ph": "M", "pid": number, "args": {"sort_index": number}})
        for mode, step, begun, end in self._events:
            at = {
                "ts": int((begun - base) * MICRO),
                "dur": int((end - begun) * MICRO),
                "pid": modes.index(mode),
                "tid": 0,
            }
            told.append({"name": f"Step:ModeKeys.{mode}", "ph": "X", **at, "args": {"step_num": str(step)}})
        return told


def timeline(folders: Folders) -> Timeline | None:
    """None where the profiler is off."""
    config = folders.read("profilerconfig")
    if not config or config.get("DisableProfiler"):
        return None
    node = (folders.read("resourceconfig") or {}).get("current_host", "algo-1")
    return Timeline(within(folders, config.get("LocalPath") or "/opt/ml/output/profiler"), node)
