"""One model container, asked over its Unix socket: /execution-parameters, and /invocations again and again.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

import http.client
import json
import socket
from collections import deque
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

WELL = range(200, 300)
RETRIES, TIMEOUT = 3, 600  # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelClientConfig.html
LONGEST = 1 << 29  # bytes of an answer, all of which we hold
PARAMETERS = 10.0  # seconds for /execution-parameters


class Refused(Exception):
    """It answered, but not with 200."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status, self.text = status, text


class NoAnswer(Exception):
    """It closed the connection, or took too long."""


class Line(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Container:
    """May be asked by several threads; connections are kept."""

    def __init__(self, path: Path, client: dict[str, Any], headers: dict[str, str]) -> None:
        self._path, self._headers = path, headers
        self._timeout = client.get("InvocationsTimeoutInSeconds", TIMEOUT)
        self._tries = 1 + client.get("InvocationsMaxRetries", RETRIES)
        self._idle: deque[Line] = deque()
        self._closed = False

    def parameters(self) -> dict[str, Any]:
        """What it asks for; nothing where it has no such page."""
        with closing(Line(self._path, PARAMETERS)) as line:
            try:
                line.request("GET", "/execution-parameters")
                answer = line.getresponse()
                content = answer.read()
                found = json.loads(content) if answer.status == 200 else {}
            except (OSError, http.client.HTTPException, ValueError):
                return {}
        return found if isinstance(found, dict) else {}

    def invoke(self, body: bytes) -> bytes:
        """Tried again where nothing answers, or the answer says that it is the container's fault.
        Raises Refused and NoAnswer."""
        for left in reversed(range(self._tries)):
            try:
                return self._once(body)
            except NoAnswer:
                if not left:
                    raise
            except Refused as refusal:
                if not left or refusal.status < 500:
                    raise
        raise NoAnswer

    def stream(self, body: Iterable[bytes]) -> bytes:
        """A body of any size, in chunks; it is there once, so it is tried once. Raises Refused and NoAnswer."""
        return self._once(body, {"Transfer-Encoding": "chunked"}, encode_chunked=True)

    def _once(self, body: Any, more: dict[str, str] | None = None, **how: Any) -> bytes:
        line = self._line()
        try:
            line.request("POST", "/invocations", body, self._headers | (more or {}), **how)
            answer = line.getresponse()
            content = answer.read(LONGEST + 1)
            if len(content) > LONGEST:
                raise http.client.HTTPException(f"the answer is longer than {LONGEST} bytes")
            answer.close()
        except (OSError, http.client.HTTPException) as problem:
            line.close()
            raise NoAnswer(str(problem)) from problem
        self._idle.append(line)
        if self._closed:
            self.close()
        if answer.status not in WELL:
            raise Refused(answer.status, content.decode(errors="replace"))
        return content

    def _line(self) -> Line:
        with suppress(IndexError):
            return self._idle.pop()
        return Line(self._path, self._timeout)

    def close(self) -> None:
        self._closed = True
        with suppress(IndexError):
            while True:
                self._idle.pop().close()
