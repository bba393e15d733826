"""One instance of a multi-model endpoint: which models its container has, which lie on its disk, and who uses them."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from skylab.compute import users
from skylab.images.archive import Refused, unpack
from skylab.services.sagemaker_runtime.asking import Line
from skylab.wire.errors import AwsError

LONGEST = 360.0  # seconds that AWS gives a model to be loaded
VOLUME = 30 << 30  # bytes of models that an instance keeps on its disk


class Unfetched(Exception):
    """The model's archive cannot be had; the text is AWS's."""


class NotLoaded(Exception):
    """The container did not take the model."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class NoRoom(Exception):
    """Nor is there anything left to unload."""


class Instance:
    """socket: its container's. folder: on this machine, what the container sees as `own`. Threads share it."""

    def __init__(self, socket: str, folder: str, own: str, cached: bool) -> None:
        self.socket, self.own, self.cached = socket, own, cached
        self.models = Path(folder) / "models"
        self._lock = threading.Lock()
        self._used: OrderedDict[str, int] = OrderedDict()  # how many use a model; the one asked for last is last
        self._asked = False
        self._files: dict[str, threading.Lock] = {}  # held by who makes or removes a model's folder

    @property
    def gone(self) -> bool:
        return not os.path.exists(self.socket)

    def holds(self, name: str) -> bool:
        return name in self._used

    def take(self, name: str) -> bool:
        """Whether the model is loaded; then it stays so until leave()."""
        with self._lock:
            if name not in self._used:
                return False
            self._used[name] += 1
            self._used.move_to_end(name)
            return True

    def leave(self, name: str, later: Callable[[Callable[[], None]], None]) -> None:
        with self._lock:
            self._used[name] -= 1
            idle = not self._used[name]
        if idle and not self.cached:
            later(lambda: self._drop(name))

    def load(self, name: str, url: str, reader: Callable[[], Any]) -> None:
        """Raises Unfetched, NotLoaded or NoRoom."""
        self._learn()
        with self._files.setdefault(name, threading.Lock()):
            if not self.holds(name):
                self._load(name, url, reader)

    def _load(self, name: str, url: str, reader: Callable[[], Any]) -> None:
        folder = self.models / name
        if not folder.exists():
            self._fetch(url, folder, reader)
        request = {"model_name": name, "url": f"{self.own}/models/{name}/model"}
        while (answer := self._ask("POST", "/models", request))[0] == 507:
            if (oldest := self._oldest()) is None:
                raise NoRoom(answer[1])
            self._unload(oldest)
        if answer[0] not in (200, 409):
            raise NotLoaded(*answer)
        with self._lock:
            self._used.setdefault(name, 0)

    def _learn(self) -> None:
        """Once: what the container has from before we were started."""
        if self._asked:
            return
        status, text = self._ask("GET", "/models")
        known = json.loads(text).get("models", []) if status == 200 else []
        with self._lock:
            for each in known:
                self._used.setdefault(each["modelName"], 0)
            self._asked = True

    def _fetch(self, url: str, folder: Path, reader: Callable[[], Any]) -> None:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        archive, draft = folder.with_suffix(".tar.gz"), folder.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        try:
            reader().download_file(bucket, key, str(archive))
            (draft / "model").mkdir(parents=True)
            self._make_room(archive.stat().st_size)
            unpack(archive, draft / "model")
        except (ClientError, BotoCoreError, AwsError, Refused, OSError) as problem:
            shutil.rmtree(draft, ignore_errors=True)
            raise Unfetched(_words(problem, bucket, key)) from problem
        finally:
            archive.unlink(missing_ok=True)
        users.show(str(draft))
        os.rename(draft, folder)

    def _make_room(self, size: int) -> None:
        """Files of models that are not loaded go, those that have lain there longest first."""
        lying = sorted(
            (path for path in self.models.iterdir() if not path.suffix), key=lambda path: path.stat().st_mtime
        )
        total = size + sum(_size(path) for path in lying)
        for path in lying:
            if total > VOLUME and not self.holds(path.name):
                total -= _size(path)
                _remove(path)

    def _oldest(self) -> str | None:
        """The model that nobody uses and that was used longest ago."""
        with self._lock:
            return next((name for name, users in self._used.items() if not users), None)

    def _unload(self, name: str) -> bool:
        """Whether it was unloaded: not, where somebody took it meanwhile."""
        with self._lock:
            if self._used.get(name) != 0:
                return False
            del self._used[name]
        self._ask("DELETE", f"/models/{name}")
        return True

    def _drop(self, name: str) -> None:
        with self._files.setdefault(name, threading.Lock()):
            if self._unload(name):
                _remove(self.models / name)

    def _ask(self, method: str, path: str, request: Any = None) -> tuple[int, str]:
        try:
            with Line(self.socket, LONGEST) as line:
                body = None if request is None else json.dumps(request).encode()
                line.connection.request(method, path, body, {"Content-Type": "application/json"})
                answer = line.connection.getresponse()
                return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as problem:
            raise NotLoaded(500, f"The container does not answer: {problem!r}") from problem


def _words(problem: Exception, bucket: str, key: str) -> str:
    if isinstance(problem, Refused):
        return f"Failed to extract model data archive (bucket: {bucket}, key: {key}): {problem}"
    return (
        f"Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is an object located "
        "at the URL and that the role passed to CreateModel has permissions to download the model."
    )


def _remove(folder: Path) -> None:
    """First out of the way, so that half a folder is never taken for a model."""
    gone = folder.with_suffix(".gone")
    shutil.rmtree(gone, ignore_errors=True)
    os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
