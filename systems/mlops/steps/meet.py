"""The instances of one processing job agree on something: each tells its part, the first merges them and answers.

A page of JSON over TCP, once. The hosts know each other by name from /opt/ml/config/resourceconfig.json.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESOURCES = Path("/opt/ml/config/resourceconfig.json")
PORT = 7337
PATIENCE = 300  # seconds, for an instance that starts late


def hosts(path: Path = RESOURCES) -> tuple[str, list[str]]:
    """This host and all of them; outside a job one that is alone."""
    if not path.exists():
        return "algo-1", ["algo-1"]
    found = json.loads(path.read_text())
    return found["current_host"], sorted(found["hosts"])


def agree(me: str, all: list[str], mine: Any, merge: Callable[[list[Any]], Any], port: int = PORT) -> Any:
    """merge() of what every host brings, in the order of their names; the same on each."""
    if len(all) == 1:
        return merge([mine])
    if me == all[0]:
        return _lead(me, all, mine, merge, port)
    with _reach(all[0], port) as first:
        first.sendall(json.dumps([me, mine]).encode())
        first.shutdown(socket.SHUT_WR)
        return json.loads(_rest(first))


def _lead(me: str, all: list[str], mine: Any, merge: Callable[[list[Any]], Any], port: int) -> Any:
    brought, waiting = {me: mine}, []
    with socket.create_server(("", port)) as server:
        server.settimeout(PATIENCE)
        while len(brought) < len(all):
            other, _ = server.accept()
            other.settimeout(PATIENCE)
            name, part = json.loads(_rest(other))
            brought[name] = part
            waiting.append(other)
        merged = merge([brought[name] for name in all])
        for other in waiting:
            with other:
                other.sendall(json.dumps(merged).encode())
    return merged


def _reach(host: str, port: int) -> socket.socket:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection((host, port), timeout=PATIENCE)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _rest(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))
