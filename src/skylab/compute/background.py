"""Long effects (downloads, uploads) that a step starts and a later step collects. In memory only: lost in a crash, then
simply done again, so whatever is run here must be safe to repeat."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from threading import Thread
from typing import Any


class Inline(Executor):
    """Runs at once, in the caller: for tests that hold the clock."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as problem:
            future.set_exception(problem)
        return future


class Daemons(Executor):
    """A thread for each effect, which keeps nobody from ending: for effects of many minutes."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as problem:
                future.set_exception(problem)

        Thread(target=run, name="long effect", daemon=True).start()
        return future


class Background:
    def __init__(self, executor: Executor | None = None, finished: Callable[[], None] = lambda: None) -> None:
        self._executor = executor or ThreadPoolExecutor(8, thread_name_prefix="background")
        self._finished = finished
        self._running: dict[str, Future[Any]] = {}

    def long(self) -> "Background":
        """Another one, for effects of many minutes: they take no thread from these. Inline where this one is."""
        inline = isinstance(self._executor, Inline)
        return Background(self._executor if inline else Daemons(), self._finished)

    def done(self, key: str, effect: Callable[[], Any]) -> bool:
        """Starts the effect if it is not running; True once it has ended (and is forgotten). Raises what it raised."""
        future = self._running.get(key)
        if future is None:
            future = self._running[key] = self._executor.submit(effect)
            future.add_done_callback(lambda _: self._finished())
        if not future.done():
            return False
        del self._running[key]
        future.result()
        return True

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
