"""Copies of requests for a shadow variant: sent beside the caller's path, whatever becomes of them.

A copy waits for nobody and nobody waits for it. Where too many are under way (the shadow is slower than what it
shadows), further ones are left out, so that it costs the endpoint no more than so many connections.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from skylab.services.sagemaker_runtime.connection import Broken, Connection
from skylab.services.sagemaker_runtime.pool import Lane

log = logging.getLogger(__name__)

MOST = 64  # copies under way at a time
PATIENCE = 5.0  # seconds for them to end when the cloud does

Answered = Callable[[bytes, str | None], Awaitable[None]]


class Shadows:
    """The copies under way: an event loop holds its tasks only weakly."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, lane: Lane, sockets: list[str], head: bytes, body: bytes, seconds: float, done: Answered) -> bool:
        """done is given the body and content type of an answer that is well. False where the copy is left out."""
        if len(self._tasks) >= MOST or not sockets:
            return False
        self._keep(_copied(lane, lane.choose(sockets)[0], head, body, seconds, done))
        return True

    def close(self) -> None:
        """Gives up the copies under way, on loops that still run."""
        for loop in {task.get_loop() for task in list(self._tasks)}:
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(self._cancelled(loop), loop).result(PATIENCE)

    async def _cancelled(self, loop: asyncio.AbstractEventLoop) -> None:
        mine = [task for task in self._tasks if task.get_loop() is loop]
        for task in mine:
            task.cancel()
        await asyncio.gather(*mine, return_exceptions=True)

    def _keep(self, copy: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(copy)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _copied(lane: Lane, path: str, head: bytes, body: bytes, seconds: float, done: Answered) -> None:
    try:
        async with asyncio.timeout(seconds):
            connection = await lane.borrow(path)
            answer = await _answer(lane, path, connection, head, body)
        if connection.status == 200:
            await done(answer, connection.headers.get("content-type"))
    except (OSError, TimeoutError, Broken) as problem:
        log.info("a shadow did not answer: %r", problem)


async def _answer(lane: Lane, path: str, connection: Connection, head: bytes, body: bytes) -> bytes:
    try:
        connection.send(head, body)
        return await connection.rest()
    except BaseException:
        connection.close()
        raise
    finally:
        lane.give_back(path, connection)
