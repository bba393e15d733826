"""Long effects (downloads, uploads) that a step starts and a later step collects. In memory only: lost in a crash, then
simply done again, so whatever is run here must be safe to repeat."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
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


class Threads(Executor):
    """A thread for each: for what takes hours, and would keep others from a pool. Nobody waits for them at the end."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # it runs at once, and cannot be cancelled

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as problem:
                future.set_exception(problem)

        threading.Thread(target=run, name="background alone", daemon=True).start()
        return future


class Background:
    def __init__(self, executor: Executor | None = None, finished: Callable[[], None] = lambda: None) -> None:
        self._executor = executor or ThreadPoolExecutor(8, thread_name_prefix="background")
        self._alone = executor or Threads()
        self._finished = finished
        self._running: dict[str, Future[Any]] = {}
        self.closed = False  # what takes long looks here, and ends

    def running(self, key: str) -> bool:
        """Whether the effect was started, and its end not collected."""
        return key in self._running

    def done(self, key: str, effect: Callable[[], Any], alone: bool = False) -> bool:
        """Starts the effect if it is not running; True once it has ended (and is forgotten). Raises what it raised.
        alone: it takes long, and gets a thread of its own."""
        future = self._running.get(key)
        if future is None:
            future = self._running[key] = (self._alone if alone else self._executor).submit(effect)
            future.add_done_callback(lambda _: self._finished())
        if not future.done():
            return False
        del self._running[key]
        future.result()
        return True

    def close(self) -> None:
        self.closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)
