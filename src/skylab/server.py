"""The server process: takes the folder, opens the ports, builds the cloud, serves until it is told to end.

    lock the folder → bind the ports → open the cloud → serve → answer the health check → announce, report ready
    SIGTERM, SIGINT → no new connections, finish what is being answered → stop the cloud → drop the lock

Whatever can go wrong on the way is one sentence: Refused. Nothing of the command line is imported here, so that it
starts quickly; `python -m skylab.server ROOT PORT [REPORT]` is what `skylab up --detach` runs.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import uvicorn

from skylab.gateway.authority import Authority
from skylab.gateway.guarded import guarded
from skylab.gateway.proxy import HANDSHAKE_SECONDS, Proxy
from skylab.kernel.clock import SystemClock
from skylab.kernel.migrations import TooNew
from skylab.root import Refused, Root, Server
from skylab.settings import BadSetting, Settings

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10  # for answers that are on their way when the end comes
HEALTH = b"GET /_skylab/health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"


class Cloud(Protocol):
    """What is served: an ASGI 3 application, and the thread that does its work."""

    @property
    def app(self) -> Any: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


def real_cloud(root: Path, settings: Settings) -> Cloud:
    from skylab.cloud import Cloud as Real  # late: a folder or port that is taken is reported without this import

    return Real(root, settings)


def serve(
    path: Path,
    settings: Settings,
    report: Callable[[str], None],
    cloud: Callable[[Path, Settings], Cloud] = real_cloud,
) -> None:
    """Runs until SIGTERM or SIGINT; report is told the URL once, when it answers. Raises Refused."""
    root = Root(path)
    root.prepare()
    if root.lock() is None:
        raise Refused(f"Skylab runs in {root.path} already: see `skylab status`, or end it with `skylab down`.")
    root.withdraw()  # what a server that was killed left behind
    with contextlib.ExitStack() as stack:
        main = stack.enter_context(bound(settings.host, settings.port))
        settings = replace(settings, port=main.getsockname()[1])  # --port 0 means any: jobs must be told which
        side = stack.enter_context(beside(settings.port + 1))
        secure = stack.enter_context(beside(settings.port + 2, settings.host))
        try:
            running = cloud(root.path, settings)
        except TooNew as error:
            raise Refused(f"{root.path} was written by a newer Skylab ({error}): upgrade with pip.") from None
        running.start()
        stack.callback(running.stop)
        stack.callback(root.withdraw)
        uvicorn.Server.run(Gateway(root, settings, running, side, secure, report), [main])


def bound(host: str, port: int) -> socket.socket:
    """A listening-to-be socket. Raises Refused when the port is taken."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2048)  # claims the port at once: bind alone would let a second socket share it
    except OSError as error:
        sock.close()
        reason = (error.strerror or str(error)).lower()
        raise Refused(f"Port {port} of {host} cannot be used ({reason}): choose another with --port.") from None
    return sock


def beside(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A port beside the gateway's, or any free one."""
    try:
        return bound(host, port)
    except (Refused, OverflowError):
        return bound(host, 0)


class Gateway(uvicorn.Server):
    """uvicorn, by http and https; the CONNECT proxy beside it (loopback only); and signals that end all in order."""

    def __init__(
        self,
        root: Root,
        settings: Settings,
        cloud: Cloud,
        side: socket.socket,
        secure: socket.socket,
        report: Callable[[str], None],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                cloud.app,
                interface="asgi3",
                loop="uvloop",
                http=guarded(settings.slow_request_seconds),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # nobody in front of us is to be believed about who calls
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        self.root, self.host, self.side, self.secure, self.report = root, settings.host, side, secure, report
        self.clock = SystemClock()
        self.authority = Authority(root.path / "authority", self.clock)
        self.proxy = Proxy(self.authority, self.protocol)

    def protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        made: asyncio.Protocol = kind(config=self.config, server_state=self.server_state, app_state={})
        return made

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        loop = asyncio.get_running_loop()
        self.servers.append(
            await loop.create_server(
                self.protocol,
                sock=self.secure,
                ssl=self.authority.local(),
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                backlog=2048,
            )
        )
        await self.proxy.start(self.side)
        host, port = sockets[0].getsockname()[:2]
        loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        self.ready = loop.create_task(self.announce(loopback, port))

    async def announce(self, host: str, port: int) -> None:
        await healthy(host, port)
        started = self.clock.now().isoformat(timespec="seconds")
        named, proxy, https = (
            f"[{host}]" if ":" in host else host,
            self.side.getsockname()[1],
            self.secure.getsockname()[1],
        )
        server = Server(os.getpid(), port, proxy, started, named, https)
        self.root.announce(server)
        self.report(server.url)

    async def main_loop(self) -> None:
        await super().main_loop()
        if self.ready.done():
            self.ready.result()  # what kept it from answering is raised here
        self.ready.cancel()

    async def on_tick(self, counter: int) -> bool:
        failed = self.ready.done() and not self.ready.cancelled() and self.ready.exception() is not None
        return await super().on_tick(counter) or failed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.proxy.stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but an end by signal is a normal end: it is not raised again afterwards."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def healthy(host: str, port: int) -> None:
    """Returns once the gateway answers its health check with 200. Raises Refused when it answers otherwise."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(HEALTH)
        line = await reader.readline()
    finally:
        writer.close()
    if b" 200 " not in line:
        answered = line.decode(errors="replace").strip() or "the connection was closed"
        raise Refused(f"Skylab does not pass its own health check ({answered}): the reason is in its log.")


def main(argv: list[str]) -> int:
    """The detached server: its one line on the inherited file REPORT is `ready URL` or `failed SENTENCE`."""
    path, port, *rest = argv
    report = os.fdopen(int(rest[0]), "w") if rest else sys.stdout
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    def say(line: str) -> None:
        print(line, file=report, flush=True)
        if report is not sys.stdout:
            report.close()  # the parent waits for the end of it

    try:
        serve(Path(path), Settings.read(port=int(port)), lambda url: say(f"ready {url}"))
    except (Refused, BadSetting) as error:
        say(f"failed {error}")
        return 2
    log.info("Skylab has stopped; jobs that were running go on")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
