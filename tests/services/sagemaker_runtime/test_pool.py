"""How replicas are reached, and by whom."""

import asyncio
import os
import socket
import tempfile
from pathlib import Path

import pytest
import uvloop

from skylab.services.sagemaker_runtime import pool


@pytest.fixture
def replica():
    """A socket with room for one caller in its queue, which nobody accepts yet."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(f"{folder}/s")
            yield listener


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_replica_whose_queue_is_full_is_waited_for(replica, loop):
    """The kernel answers EAGAIN: 503 was said of an endpoint that was only busy."""

    async def reach():
        asyncio.get_running_loop().call_later(0.1, lambda: replica.accept()[0].close())
        connection = await pool.Pool().here().borrow(replica.getsockname())
        accepted, _ = replica.accept()
        connection.send(b"GET / HTTP/1.1\r\n\r\n", b"")
        said = accepted.recv(100)
        accepted.close()
        connection.close()
        return said

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(reach()).startswith(b"GET /")


def test_a_queue_that_stays_full_cannot_be_reached(replica, monkeypatch):
    monkeypatch.setattr(pool, "QUEUE", 0.05)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BlockingIOError):
        asyncio.run(pool.Lane().borrow(replica.getsockname()))
    assert len(os.listdir("/proc/self/fd")) <= before


def test_nobody_listens(tmp_path):
    with pytest.raises(FileNotFoundError):
        asyncio.run(pool.Lane().borrow(str(Path(tmp_path) / "s")))
