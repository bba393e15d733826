"""Whether replicas that serve are still well: GET /ping again and again, one at a time for each.

AWS gives an answer 2 seconds (https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html); how
often it asks, and how many silences it takes to replace an instance, it does not say. Here: every 5 seconds, and half a
minute without an answer, since a model may lawfully be busy for longer than one question.
"""

import http.client
import socket
from pathlib import Path

from skylab.compute.background import Background

PING = 2.0  # seconds that AWS gives an answer to /ping
EVERY = 5.0  # seconds between two questions
UNWELL = 30.0  # seconds without a good answer after which a replica is replaced


class Unhealthy(Exception):
    """/ping answered something else than 200, or nothing."""


class Health:
    """What is remembered is when to ask next: losing it costs a question."""

    def __init__(self, background: Background) -> None:
        self.background = background
        self._next: dict[str, float] = {}  # by process, seconds since the epoch

    def asked(self, process: str, path: Path, at: float) -> bool | None:
        """The answer to a question of before; None where there is none to be had now."""
        if at < self._next.setdefault(process, at + EVERY):
            return None
        well = answers(self.background, process, path)
        if well is not None:
            self._next[process] = at + EVERY
        return well

    def forget(self, process: str) -> None:
        self._next.pop(process, None)


def answers(background: Background, process: str, path: Path) -> bool | None:
    """Asked in the background, so that a program that does not answer keeps nobody waiting. None: not known yet."""
    try:
        return background.done(f"{process}/ping", lambda: ping(path)) or None
    except (Unhealthy, OSError, http.client.HTTPException):
        return False


def ping(path: Path) -> None:
    """Raises Unhealthy, OSError or HTTPException."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PING)
        line.connect(str(path))
        connection = http.client.HTTPConnection("localhost")
        connection.sock = line
        connection.request("GET", "/ping")
        if (status := connection.getresponse().status) != 200:
            raise Unhealthy(f"/ping answered {status}")
