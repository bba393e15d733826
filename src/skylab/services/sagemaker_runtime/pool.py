"""Keep-alive connections to replicas, and which replica is the least busy.

A connection belongs to the event loop that opened it, and there may be two: the gateway's and that of in-process calls.
"""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from itertools import count
from weakref import WeakKeyDictionary

from skylab.kernel.clock import expired, patience
from skylab.services.sagemaker_runtime.connection import Connection

QUEUE = 5.0  # seconds to wait for a place in a replica's queue
AGAIN = 0.005  # seconds between two tries


class Pool:
    """What each loop has; made when it first asks."""

    def __init__(self) -> None:
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, Lane] = WeakKeyDictionary()

    def here(self) -> Lane:
        loop = asyncio.get_running_loop()
        if (lane := self._lanes.get(loop)) is None:
            lane = self._lanes[loop] = Lane()
        return lane

    def close(self) -> None:
        """Hangs up, on loops that still run."""
        for loop, lane in list(self._lanes.items()):
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(lane.close(), loop).result(QUEUE)

    def busy(self, path: str) -> int:
        """How many requests a replica has at the moment, whoever sent them."""
        return sum(lane.busy(path) for lane in list(self._lanes.values()))


class Lane:
    """The connections of one loop."""

    def __init__(self) -> None:
        self._count = count()
        self._idle: dict[str, list[Connection]] = defaultdict(list)
        self._busy: dict[str, int] = defaultdict(int)
        self._used: dict[str, int] = {}

    def busy(self, path: str) -> int:
        return self._busy.get(path, 0)

    async def close(self) -> None:
        for connection in [each for idle in self._idle.values() for each in idle]:
            connection.close()

    def choose(self, sockets: list[str]) -> list[str]:
        """The replicas, least busy first; among equals the one that has waited longest."""
        return sorted(sockets, key=lambda path: (self._busy.get(path, 0), self._used.get(path, -1)))

    async def borrow(self, path: str) -> Connection:
        """A connection to be given back. Raises OSError when the replica cannot be reached: nothing was sent then."""
        idle = self._idle.get(path, [])
        while idle and idle[-1].closed:
            idle.pop()
        connection = idle.pop() if idle else await self._connected(path)
        self._busy[path] += 1
        self._used[path] = next(self._count)
        return connection

    def give_back(self, path: str, connection: Connection) -> None:
        self._busy[path] -= 1
        if connection.reusable:
            self._idle[path].append(connection)
        else:
            connection.close()

    async def _connected(self, path: str) -> Connection:
        self._sweep()
        _, connection = await asyncio.get_running_loop().create_unix_connection(Connection, sock=await _dialled(path))
        return connection

    def _sweep(self) -> None:
        """Forgets replicas that have gone: a new one never has the path of an old one."""
        for path in [path for path, idle in self._idle.items() if not self._busy.get(path)]:
            if all(connection.closed for connection in self._idle[path]):
                for table in (self._idle, self._busy, self._used):
                    table.pop(path, None)


async def _dialled(path: str) -> socket.socket:
    """Raises OSError. A replica whose queue of callers is full refuses at once (EAGAIN), where TCP would wait; asyncio
    takes that for a connection under way. It is there, though, and busy, so it is asked again for a while."""
    deadline = patience(QUEUE)
    line = socket.socket(socket.AF_UNIX)
    line.setblocking(False)
    try:
        while True:
            try:
                line.connect(path)
                return line
            except BlockingIOError:
                if expired(deadline):
                    raise
            await asyncio.sleep(AGAIN)
    except BaseException:
        line.close()
        raise
