"""Samples what a job's programs use of their instance, out of their sight, in the files of AWS's profiler.

    system/incremental/2026112316/1795450860.algo-1.json    a line a value, a file a minute, named by the minute's begin

    {"Type": "cpu", "Name": "cpu0", "Dimension": "CPUUtilization", "Value": 97.5, "NodeId": "algo-1", "Timestamp": …}

Processors, memory and disk are those of the job's processes, found from the first of them on; waiting for disks and
the network are those of the machine, which tells them of nothing smaller (an isolated job has a network of its own).
Standard library only: it is loaded by the runner of a job.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
IDLE = 1.0  # seconds between two looks whether to sample
NVIDIA = ("--query-gpu=index,utilization.gpu,utilization.memory", "--format=csv,noheader,nounits")
Value = tuple[str, str, str, float]  # Type, Name, Dimension, Value


@dataclass
class Instance:
    """One job's host: the process that all of its programs descend from, and what its samples are measured by."""

    pid: int
    memory: int
    cores: list[int]
    gpus: bool = field(default_factory=lambda: shutil.which("nvidia-smi") is not None)
    _ticks: dict[tuple[int, int], int] = field(default_factory=dict)
    _counts: dict[str, float] = field(default_factory=dict)
    _at: float = 0.0

    def sample(self, now: float) -> list[Value]:
        """What has been used since the sample before; [] the first time."""
        elapsed, self._at = now - self._at, now
        pids = list(descendants(self.pid))
        used, waited = self._cores(pids), self._differences(_iowait(), "wait")
        resident = sum(_resident(pid) for pid in pids)
        bytes_moved = self._differences(_network(self.pid) | _disk(pids), "bytes")
        if elapsed == now or elapsed <= 0:
            return []
        found: list[Value] = []
        for number, core in enumerate(self.cores):
            found.append(("cpu", f"cpu{number}", "CPUUtilization", _percent(used.get(core, 0.0), elapsed)))
            wait = _percent(waited.get(f"cpu{core}", 0.0), elapsed)
            found.append(("cpu", f"cpu{number}", "I/OWaitPercentage", wait))
        found.append(("memory", "memory", "MemoryUsedPercent", round(min(100.0, 100 * resident / self.memory), 2)))
        for key, count in bytes_moved.items():
            kind, name, dimension = key.split(" ")
            found.append((kind, name, dimension, round(max(0.0, count) / elapsed, 1)))
        return found + (list(_gpus()) if self.gpus else [])

    def _cores(self, pids: list[int]) -> dict[int, float]:
        """Seconds of each core: a thread's are those of the core that it was on last."""
        ticks: dict[tuple[int, int], int] = {}
        used: dict[int, float] = {}
        for pid in pids:
            for thread, count, core in _threads(pid):
                ticks[pid, thread] = count
                core = core if core in self.cores else self.cores[core % len(self.cores)]
                used[core] = used.get(core, 0.0) + max(0, count - self._ticks.get((pid, thread), 0)) / TICK
        self._ticks = ticks
        return used

    def _differences(self, now: dict[str, float], prefix: str) -> dict[str, float]:
        before = {key: self._counts.get(f"{prefix} {key}", value) for key, value in now.items()}
        self._counts |= {f"{prefix} {key}": value for key, value in now.items()}
        return {key: value - before[key] for key, value in now.items()}


def follow(folder: Path, node: str, pid: int, memory: int | None, cpus: int | None) -> None:
    """Samples for ever, at the interval in milliseconds that the file `interval` says; 0, or no file: not now."""
    with suppress(OSError):  # it has ended already
        cores = sorted(os.sched_getaffinity(pid))[: cpus or None]
        instance = Instance(pid, memory or _total_memory(), cores)
        while os.path.exists(f"/proc/{pid}"):
            interval = _interval(folder)
            if not interval:
                time.sleep(IDLE)
                continue
            now = time.time()
            write(folder, node, instance.sample(now), now)
            time.sleep(max(0.01, interval - (time.time() - now)))


def write(folder: Path, node: str, values: list[Value], now: float) -> None:
    if not values:
        return
    path = (
        folder / time.strftime("system/incremental/%Y%m%d%H", time.gmtime(now)) / f"{int(now) // 60 * 60}.{node}.json"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"NodeId": node, "Timestamp": round(now, 4)}
    lines = (
        json.dumps({"Type": kind, "Name": name, "Dimension": dimension, "Value": value} | told)
        for kind, name, dimension, value in values
    )
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def descendants(pid: int) -> Iterator[int]:
    """The process and all that descend from it."""
    yield pid
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                yield from descendants(int(child))


def _interval(folder: Path) -> float:
    try:
        return int((folder / "interval").read_text()) / 1000
    except (OSError, ValueError):
        return 0.0


def _threads(pid: int) -> Iterator[tuple[int, int, int]]:
    """Thread, its ticks in user and kernel mode, and the core that it was on last: see proc(5)."""
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                told = Path(f"/proc/{pid}/task/{thread}/stat").read_text().rpartition(")")[2].split()
                yield int(thread), int(told[11]) + int(told[12]), int(told[36])


def _resident(pid: int) -> int:
    """Bytes, without those of files that others share."""
    with suppress(OSError):
        pages = Path(f"/proc/{pid}/statm").read_text().split()
        return (int(pages[1]) - int(pages[2])) * PAGE
    return 0


def _iowait() -> dict[str, float]:
    lines = (line.split() for line in Path("/proc/stat").read_text().splitlines())
    return {words[0]: int(words[5]) / TICK for words in lines if words[0].startswith("cpu") and words[0] != "cpu"}


def _network(pid: int) -> dict[str, float]:
    found: dict[str, float] = {}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]:
            name, _, counts = line.partition(":")
            words = counts.split()
            found[f"network {name.strip()} ReceiveBytesPerSecond"] = int(words[0])
            found[f"network {name.strip()} TransmitBytesPerSecond"] = int(words[8])
    return found


def _disk(pids: list[int]) -> dict[str, float]:
    read = written = 0
    for pid in pids:
        with suppress(OSError):
            told = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
            read, written = read + int(told["read_bytes"]), written + int(told["write_bytes"])
    return {"disk disk ReadBytesPerSecond": read, "disk disk WriteBytesPerSecond": written}


def _gpus() -> Iterator[Value]:
    with suppress(OSError, subprocess.SubprocessError, ValueError):
        said = subprocess.run(["nvidia-smi", *NVIDIA], capture_output=True, text=True, timeout=5, check=True).stdout
        for line in said.splitlines():
            number, used, memory = (word.strip() for word in line.split(","))
            yield "gpu", f"gpu{number}", "GPUUtilization", float(used)
            yield "gpu", f"gpu{number}", "GPUMemoryUtilization", float(memory)


def _total_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * PAGE


def _percent(seconds: float, elapsed: float) -> float:
    return round(min(100.0, max(0.0, 100 * seconds / elapsed)), 2)
