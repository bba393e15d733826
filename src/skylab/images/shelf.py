"""Several models in one server, loaded and unloaded as the platform says: the multi-model container's contract.

    GET /models                  those that are loaded
    POST /models                 {"model_name", "url"}: loads; 409 where it is loaded, 507 where memory is short
    GET, DELETE /models/<name>   one of them; unloads it
    POST /models/<name>/invoke   as /invocations

https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html
"""

import ctypes
import gc
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from skylab.images.predicting import Answer, Model, Refused, Request

MEMORY = "SKYLAB_MODEL_MEMORY"  # bytes that models and this program may take; not set: as many as there are
THREADS = 8  # that load and predict beside each other


def worker_count() -> int:
    """How many requests a model handles at once."""
    return int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS") or 1)


@dataclass
class Loaded:
    """taken: bytes of memory that its loading took, or at least those of its files."""

    model: Model
    url: str
    taken: int
    turns: threading.Semaphore


class Shelf:
    """load: makes the model that lies in a folder."""

    several = True

    def __init__(self, load: Callable[[Path], Model]) -> None:
        self._load = load
        self._models: dict[str, Loaded] = {}
        self._loading = threading.Lock()  # one at a time: each is measured by what memory grows
        self._limit = int(os.environ.get(MEMORY) or 0)
        self._bare = resident()
        self.threads = max(THREADS, worker_count())

    def quick(self, request: Request) -> bool:
        loaded = self._models.get(_name(request.path))
        return bool(loaded and request.path.endswith("/invoke") and loaded.model.quick(request))

    def execution_parameters(self) -> dict[str, object] | None:
        return None

    def predict(self, request: Request) -> Answer:
        name = _name(request.path)
        if request.path == "/models" and request.method == "GET":
            return _json({"models": [_shown(each, at) for each, at in self._models.items()]})
        if request.path == "/models" and request.method == "POST":
            return self._put(request)
        if request.path == f"/models/{name}/invoke" and request.method == "POST":
            return self._invoke(name, request)
        if request.path == f"/models/{name}" and request.method in ("GET", "DELETE"):
            return self._one(name, request.method)
        raise Refused(404, "This server has several models: POST /models/<name>/invoke.")

    def _invoke(self, name: str, request: Request) -> Answer:
        loaded = self._found(name)
        with loaded.turns:
            return loaded.model.predict(request)

    def _one(self, name: str, method: str) -> Answer:
        loaded = self._found(name)
        if method == "GET":
            return _json(_shown(name, loaded))
        self._models.pop(name, None)
        del loaded
        _give_back()
        return _json({"status": f'Model "{name}" unregistered'})

    def _found(self, name: str) -> Loaded:
        if (loaded := self._models.get(name)) is None:
            raise Refused(404, f"Requested model ({name}) does not exist")
        return loaded

    def _put(self, request: Request) -> Answer:
        try:
            asked = json.loads(request.body)
            name, url = str(asked["model_name"]), str(asked["url"])
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(400, f"model_name and url are wanted as JSON: {error!r}") from error
        with self._loading:
            if name in self._models:
                raise Refused(409, f"Model {name} is already registered.")
            size, before = _size(Path(url)), resident()
            taken = sum(each.taken for each in self._models.values())
            if self._limit and self._bare + taken + size > self._limit:
                raise Refused(507, f"Insufficient memory: {size} bytes for {name} beside {taken} of the models loaded.")
            model = self._made(Path(url))
            taken = max(size, resident() - before)
            self._models[name] = Loaded(model, url, taken, threading.Semaphore(worker_count()))
        return _json({"status": f'Model "{name}" registered'})

    def _made(self, folder: Path) -> Model:
        try:
            with _own_modules(folder / "code"):
                return self._load(folder)
        except MemoryError as error:
            _give_back()
            raise Refused(507, f"Insufficient memory: {error}") from error
        except Exception:
            print(f"The model in {folder} failed to load.", file=sys.stderr, flush=True)
            traceback.print_exc()
            raise


@contextmanager
def _own_modules(code: Path) -> Iterator[None]:
    """What a model's script imports of its own folder is its own: the next one's helpers.py is another."""
    before, path = set(sys.modules), list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = [each for each in path] + [each for each in sys.path if each not in (*path, str(code))]
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(f"{code}/"):
                del sys.modules[name]


def _name(path: str) -> str:
    return path.removeprefix("/models").lstrip("/").partition("/")[0]


def _shown(name: str, loaded: Loaded) -> dict[str, str]:
    return {"modelName": name, "modelUrl": loaded.url}


def _json(value: object) -> Answer:
    return Answer(json.dumps(value).encode(), "application/json")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def resident() -> int:
    """Bytes of memory that this process has; 0 where nobody tells."""
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def _give_back() -> None:
    """What an unloaded model had, to the system."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
