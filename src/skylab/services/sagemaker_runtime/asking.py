"""HTTP to a container in a thread: for what takes long, or is large, and is no caller's request."""

from __future__ import annotations

import http.client
import socket
from types import TracebackType

PIECE = 1 << 20  # bytes sent at once


class Line:
    """A connection that lives as long as its `with`. Raises OSError where nobody listens."""

    def __init__(self, path: str, seconds: float) -> None:
        self.path, self.seconds = path, seconds

    def __enter__(self) -> Line:
        return self if hasattr(self, "connection") else self.opened()

    def opened(self) -> Line:
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(self.seconds)
        try:
            line.connect(self.path)
        except BaseException:
            line.close()
            raise
        self.connection = http.client.HTTPConnection("model.aws.local", blocksize=PIECE)
        self.connection.sock = line
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        self.connection.close()
