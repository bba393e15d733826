"""Connections into and out of a program that has a network of its own, so that every server may have port 8080.

    in     a Unix socket of the host's    → 127.0.0.1:8080, the program's
    out    127.0.0.1:4566, as it sees it  → a Unix socket in the run's folder → 127.0.0.1:4566, the host's

Bytes, whatever they are. Threads, since it waits for few connections that last. Imported by the runner where a launch
asks for it: the standard library only.
"""

import os
import socket
from typing import TYPE_CHECKING

from skylab.compute import sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Connect = Callable[[], socket.socket]
    Doors = list[tuple[socket.socket, Connect]]

PIECE = 1 << 16
BACKLOG = 128


def open_doors(exposed: "dict[str, Any]") -> None:
    """A process in the machine's network, which leads from the current folder to the ports that the program reaches."""
    if exposed["doors"]:
        _fork(lambda: [(at_path(f"door-{port}"), to_port(port)) for port in exposed["doors"]])


def expose(exposed: "dict[str, Any]") -> None:
    """A process in the program's network, which leads from its ports to the doors, and from a socket to its server."""
    here = os.getcwd()

    def doors() -> "Doors":
        ways = [(at_port(port), to_path(f"{here}/door-{port}")) for port in exposed["doors"]]
        return [(at_path(exposed["socket"]), to_port(exposed["port"])), *ways]

    _fork(doors)


def _fork(doors: "Callable[[], Doors]") -> None:
    if not os.fork():
        try:
            sandbox.die_with_parent()
            run(doors())
        finally:
            os._exit(1)


def to_port(port: int) -> "Connect":
    def connect() -> socket.socket:
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return link

    return connect


def to_path(path: str) -> "Connect":
    def connect() -> socket.socket:
        link = socket.socket(socket.AF_UNIX)
        link.connect(path)
        return link

    return connect


def at_port(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=BACKLOG)


def at_path(path: str) -> socket.socket:
    if os.path.lexists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(BACKLOG)
    return listener


def run(doors: "Doors") -> None:
    """Passes on what comes to the listeners, until the process is killed."""
    import threading

    loops = [threading.Thread(target=_accept, args=door) for door in doors]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()


def _accept(listener: socket.socket, connect: "Connect") -> None:
    import threading

    while True:
        link, _ = listener.accept()
        threading.Thread(target=_join, args=(link, connect), daemon=True).start()


def _join(link: socket.socket, connect: "Connect") -> None:
    import threading

    try:
        other = connect()
    except OSError:  # nobody listens yet: who asked sees the connection close, and asks again
        link.close()
        return
    back = threading.Thread(target=_pump, args=(other, link), daemon=True)
    back.start()
    _pump(link, other)
    back.join()
    link.close()
    other.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Until the source has no more to say, which the target is told."""
    try:
        while data := source.recv(PIECE):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
