"""Tells when processes that are nobody's children end, without asking again and again: one thread asleep on pidfds.

Only a hint: who is not told (another OS, a process that ended before it was watched) finds out at the next look.
"""

import os
import select
import threading
from collections.abc import Callable


class Ends:
    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._watched: dict[int, int] = {}  # pid -> pidfd
        self._lock = threading.Lock()
        self._poll = select.epoll() if hasattr(os, "pidfd_open") else None
        self._closing, self._close = os.pipe()
        self._thread = threading.Thread(target=self._run, name="ends", daemon=True)

    def watch(self, pid: int) -> None:
        """May be repeated while the process lives; calls ended() once when it has ended."""
        if self._poll is None:
            return
        with self._lock:
            if pid in self._watched:
                return
            try:
                fd = os.pidfd_open(pid)
            except OSError:  # it has just ended, or there are too many files
                return
            if not self._thread.is_alive():
                self._poll.register(self._closing, select.EPOLLIN)
                self._thread.start()
            self._watched[pid] = fd
            self._poll.register(fd, select.EPOLLIN)

    def _run(self) -> None:
        assert self._poll
        while True:
            ready = {fd for fd, _ in self._poll.poll()}
            if self._closing in ready:
                return
            with self._lock:
                for pid in [pid for pid, fd in self._watched.items() if fd in ready]:
                    os.close(self._watched.pop(pid))  # which takes it from the poll, too
            self._ended()

    def close(self) -> None:
        os.write(self._close, b"x")
        if self._thread.is_alive():
            self._thread.join()
        for fd in [*self._watched.values(), self._closing, self._close]:
            os.close(fd)
        if self._poll:
            self._poll.close()
