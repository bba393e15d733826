"""Writes what is saved, a step at a time, each file whole or not there:

    events/000000000010/000000000010_worker_0.tfevents    the tensors of step 10
    index/000000000/000000000010_worker_0.json            where in it each tensor lies; renamed into place after it
    collections/000000000/worker_0_collections.json       which names belong to which collection

A file that is being written ends in .tmp, as smdebug's do.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import IO, Any

import numpy as np

from skylab.images.debugging import records
from skylab.images.debugging.configuration import HookConfig
from skylab.images.debugging.records import Saved

PER_FOLDER = 1000  # steps of an index folder


def say(problem: Exception) -> None:
    words = f"{type(problem).__name__}: {problem}"
    print(f"Debugger's hook saves nothing from here on: {words}", file=sys.stderr, flush=True)


class Steps:
    def __init__(self, config: HookConfig, worker: str = "worker_0", workers: int = 1) -> None:
        self.config, self.worker, self.workers = config, worker, workers
        self.step, self.mode, self.mode_step = -1, "GLOBAL", -1
        self._file: IO[bytes] | None = None
        self._index: list[dict[str, Any]] = []
        self._told = ""
        self._board: IO[bytes] | None = None

    def open(self, step: int, mode: str, mode_step: int) -> None:
        self.close()
        self.step, self.mode, self.mode_step = step, mode, mode_step

    def put(self, name: str, value: np.ndarray[Any, Any]) -> None:
        if value.nbytes == 0:
            return
        if self._file is None:
            self._file = _draft(self.config.out / self._events())
        record = records.frame(
            records.encode(Saved(name, self.step, self.mode, self.mode_step, np.asarray(value, order="C")), time.time())
        )
        self._index.append({"tensorname": name, "start_idx": self._file.tell(), "length": len(record)})
        self._file.write(record)

    def scalar(self, name: str, value: float) -> None:
        """For TensorBoard, where that was asked for."""
        if self.config.tensorboard is None:
            return
        if self._board is None:
            folder = self.config.tensorboard / self.worker
            folder.mkdir(parents=True, exist_ok=True)
            self._board = (folder / f"events.out.tfevents.{int(time.time())}.{self.worker}").open("wb")
        event = records.scalar(name, value, self.step, time.time())
        self._board.write(records.frame(event, checked=event))
        self._board.flush()

    def close(self) -> None:
        """The step is whole: its files are there from now on."""
        if self._file is None:
            return
        self._file.close()
        _settle(self.config.out / self._events())
        meta = {"mode": self.mode, "mode_step": self.mode_step, "event_file_name": self._events()}
        folder = f"index/{self.step // PER_FOLDER:09d}"
        index = {"meta": meta, "tensor_payload": self._index, "shape_payload": []}
        self._write(f"{folder}/{self.step:012d}_{self.worker}.json", json.dumps(index))
        self._file, self._index = None, []
        self.tell_collections()

    def tell_collections(self) -> None:
        named = {each.name: each.told() for each in self.config.collections}
        text = json.dumps({"collections": named, "_meta": {"num_workers": self.workers}})
        if text != self._told:
            self._write(f"collections/000000000/{self.worker}_collections.json", text)
            self._told = text

    def _events(self) -> str:
        return f"events/{self.step:012d}/{self.step:012d}_{self.worker}.tfevents"

    def _write(self, name: str, text: str) -> None:
        with _draft(self.config.out / name) as file:
            file.write(text.encode())
        _settle(self.config.out / name)


def _draft(path: Path) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(path.name + ".tmp").open("wb")


def _settle(path: Path) -> None:
    os.replace(path.with_name(path.name + ".tmp"), path)
