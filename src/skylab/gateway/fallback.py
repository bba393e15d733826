"""Services that Skylab does not own, answered by ministack: a child process, started on first use, reached over HTTP.

It comes behind our own identity check and audit; nothing of it is imported. It keeps its state in memory and writes it
to <root>/fallback at its end: what it was told since its start is lost when it, or the machine, is killed.
"""

import asyncio
import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from skylab.gateway import tethered
from skylab.kernel.clock import expired, patience
from skylab.settings import Settings
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse

START_SECONDS, STOP_SECONDS, PROBE_SECONDS = 60.0, 20.0, 0.1
WHOLE_BYTES = 256 * 1024  # an answer up to this size comes as bytes, a larger one as a stream
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization"}


class Fallback:
    """One ministack, at most; safe to call from several tasks of one event loop."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root, self.settings = root, settings
        self._child: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._starting = asyncio.Lock()

    async def forward(self, request: HttpRequest, service: str, region: str) -> HttpResponse:
        """The child's answer to a request that was authorised already.

        Raises AwsError: NotImplemented (501) when it is switched off or not installed, ServiceUnavailable (503) when it
        does not start or breaks off.
        """
        if not self.settings.fallback:
            raise absent(service, "the fallback is switched off (SKYLAB_FALLBACK)")
        if importlib.util.find_spec("ministack") is None:
            raise absent(service, "install the fallback: pip install 'skylab[fallback]'")
        await self._started()
        import aiohttp  # late: most clouds never get here

        try:
            return await self._send(request)
        except aiohttp.ClientError as error:
            raise unavailable(f"The fallback for {service} in {region} broke off: {error!r}") from None

    def stop(self) -> None:
        """Ends the child, which then saves its state. Blocks until it is gone, STOP_SECONDS at most."""
        if not (child := self._child):
            return
        self._child = None
        assert child.stdin
        child.stdin.close()  # its tether: it gets SIGTERM
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    async def _started(self) -> None:
        async with self._starting:
            if self._child and self._child.poll() is None:
                return
            await asyncio.to_thread(self.stop)
            self._port = _free_port()
            self._child = await asyncio.to_thread(self._spawn)
            deadline = patience(START_SECONDS)
            while not await _answers(self._port):
                if self._child.poll() is not None or expired(deadline):
                    await asyncio.to_thread(self.stop)
                    raise unavailable(f"The fallback did not start: see {self.root / 'fallback.log'}")
                await asyncio.sleep(PROBE_SECONDS)

    def _spawn(self) -> subprocess.Popen[bytes]:
        state = self.root / "fallback"
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.root / "fallback.log", "ab") as output:
            return subprocess.Popen(
                [sys.executable, "-P", tethered.__file__, "ministack"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(state),
                start_new_session=True,  # Ctrl-C in the terminal is for us: we end it in order
            )

    def _environment(self, state: Path) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
        return kept | {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "MINISTACK_ACCOUNT_ID": self.settings.account,
            "MINISTACK_REGION": self.settings.region,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state / "state"),
            "S3_DATA_DIR": str(state / "s3"),
            "TMPDIR": str(state),
            "DOCKER_HOST": "unix:///nonexistent",  # it would otherwise start containers of its own
            "LOG_LEVEL": "WARNING",
        }

    async def _send(self, request: HttpRequest) -> HttpResponse:
        import aiohttp
        from yarl import URL

        query = f"?{request.query}" if request.query else ""
        url = URL(f"http://127.0.0.1:{self._port}{request.path}{query}", encoded=True)
        async with contextlib.AsyncExitStack() as stack:
            session = await stack.enter_async_context(
                aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None, sock_connect=10))
            )
            headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
            answer = await stack.enter_async_context(
                session.request(request.method, url, headers=headers, data=request.body or None, allow_redirects=False)
            )
            response = HttpResponse(answer.status, _headers(answer))
            if answer.content_length is not None and answer.content_length <= WHOLE_BYTES:
                response.body = await answer.read()
            else:
                response.body = _body(answer, stack.pop_all())
            return response


def _headers(answer: Any) -> dict[str, str]:
    names = dict.fromkeys(name.lower() for name in answer.headers)
    return {name: ",".join(answer.headers.getall(name)) for name in names if name not in HOP_BY_HOP}


async def _body(answer: Any, stack: contextlib.AsyncExitStack) -> AsyncIterator[bytes]:
    async with stack:
        async for piece in answer.content.iter_any():
            yield piece


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /_ministack/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def absent(service: str, remedy: str) -> AwsError:
    return AwsError("NotImplemented", f"{service} is not one of Skylab's own services; {remedy}", 501)


def unavailable(message: str) -> AwsError:
    return AwsError("ServiceUnavailable", message, 503)
