"""Reads what the hook has saved, step by step while the training goes on: from S3, or from a folder."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from skylab.images.debugging import records
from skylab.images.rules.series import Step

END = "training_job_end.ts"
LOOK = 0.5  # seconds between two looks for new steps
PER_FOLDER = 1000  # steps of an index folder


class Place(Protocol):
    """Where files are, by names with slashes."""

    def list(self, prefix: str, after: str = "") -> list[str]: ...
    def read(self, name: str) -> bytes: ...


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def list(self, prefix: str, after: str = "") -> list[str]:
        names = (path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())
        return sorted(name for name in names if name.startswith(prefix) and name > after)

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()


class Bucket:
    def __init__(self, s3: Any, uri: str) -> None:
        parts = urlsplit(uri)
        self.s3, self.bucket, self.prefix = s3, parts.netloc, parts.path.strip("/") + "/"

    def list(self, prefix: str, after: str = "") -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + prefix, StartAfter=self.prefix + after
        )
        return [item["Key"].removeprefix(self.prefix) for page in pages for item in page.get("Contents", [])]

    def read(self, name: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"].read()
        return body


class Values(Mapping[str, Any]):
    """The tensors of a step; their file is read when the first is asked for."""

    def __init__(self, place: Place, index: dict[str, Any]) -> None:
        self._place, self._file = place, index["meta"].get("event_file_name", "")
        self._where = {each["tensorname"]: each for each in index["tensor_payload"]}
        self._events: bytes | None = None

    def __getitem__(self, name: str) -> Any:
        where = self._where[name]
        if self._events is None:
            self._events = self._place.read(self._file)
        return records.decode(self._events[where["start_idx"] : where["start_idx"] + where["length"]]).value

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)


def steps(place: Place, follow: bool = True, beats: bool = False, wait: Callable[[float], None] = time.sleep) -> Any:
    """Every step once, in order, until the training has ended. follow: as it goes on, else what is there.

    beats: also steps without tensors, which say how long none have come.
    """
    seen: set[str] = set()
    last, came = -1, time.monotonic()
    while True:
        ended = not follow or bool(place.list(END))  # asked before looking, so that no step slips between
        after = f"index/{max(0, last // PER_FOLDER - 1):09d}"
        fresh = [name for name in place.list("index/", after) if name.endswith(".json") and name not in seen]
        collections = _collections(place) if fresh else {}
        for name in fresh:
            seen.add(name)
            last, came = int(name.rpartition("/")[2].split("_")[0]), time.monotonic()
            index = json.loads(place.read(name))
            yield Step(last, index["meta"]["mode"], Values(place, index), collections)
        if fresh:
            continue
        if ended:
            return
        if beats:
            yield Step(max(last, 0), "GLOBAL", {}, waited=time.monotonic() - came)
        wait(LOOK)


def _collections(place: Place) -> dict[str, Callable[[str], bool]]:
    """Of all workers, by the names that were found to belong to them and by their patterns."""
    names: dict[str, set[str]] = {}
    patterns: dict[str, list[str]] = {}
    for file in place.list("collections/"):
        if not file.endswith("_collections.json"):
            continue
        for name, told in json.loads(place.read(file))["collections"].items():
            names.setdefault(name, set()).update(told["tensor_names"])
            patterns.setdefault(name, []).extend(told["include_regex"] or [])
    return {name: _takes(names[name], patterns[name]) for name in names}


def _takes(names: set[str], patterns: list[str]) -> Callable[[str], bool]:
    compiled = [re.compile(pattern) for pattern in patterns]
    return lambda name: name in names or any(pattern.search(name) for pattern in compiled)
