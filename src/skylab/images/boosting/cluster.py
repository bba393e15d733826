"""Several hosts as one XGBoost: the first host runs the tracker, every host is a worker on its own shard.

As in the image, two meetings: in the first all hosts learn who has data, in the second those who have it train.
"""

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from skylab.images.failures import JobFailed

PORT = 9099
PATIENCE = 300.0  # seconds for all hosts to come
log = logging.getLogger(__name__)


def address(host: str) -> str:
    """From SKYLAB_HOSTS (algo-1=127.0.0.11,…) where hosts have no /etc/hosts of their own, else as the system says."""
    listed = dict(pair.split("=", 1) for pair in os.environ.get("SKYLAB_HOSTS", "").split(",") if pair)
    until = time.monotonic() + PATIENCE
    while host not in listed:
        try:
            return socket.gethostbyname(host)
        except OSError as error:
            if time.monotonic() > until:
                raise JobFailed(f"Framework Error: \nThe host {host} cannot be found: {error}") from error
            time.sleep(0.2)
    return listed[host]


def with_data(hosts: list[str], current: str, has_data: bool) -> list[str]:
    """The hosts that will train; every host gets the same answer."""
    import numpy
    from xgboost import collective

    with meeting(hosts, current, PORT):
        mine = numpy.zeros(len(hosts), dtype=numpy.int32)
        mine[hosts.index(current)] = has_data
        everyone = collective.allreduce(mine, collective.Op.SUM)
    return [host for host, has in zip(hosts, everyone, strict=True) if has]


@contextmanager
def meeting(hosts: list[str], current: str, port: int) -> Iterator[bool]:
    """All hosts connected while it lasts; the value says whether this one is the first."""
    if len(hosts) == 1:
        yield True
        return
    from xgboost import collective
    from xgboost.tracker import RabitTracker

    first = current == hosts[0]
    uri = address(hosts[0])
    tracker = RabitTracker(len(hosts), uri, port, sortby="task", timeout=int(PATIENCE)) if first else None
    if tracker:
        tracker.start()
    worker: dict[str, int | str | None] = {
        "dmlc_communicator": "rabit",
        "dmlc_tracker_uri": uri,
        "dmlc_tracker_port": port,
        "dmlc_task_id": f"{hosts.index(current):04}",
        "dmlc_timeout": int(PATIENCE),
    }
    with _joined(collective.CommunicatorContext, worker):
        yield first
    if tracker:
        tracker.wait_for(timeout=30)


@contextmanager
def _joined(context: type, worker: dict[str, int | str | None]) -> Iterator[None]:
    """The tracker may not listen yet, and a bare probe of its port would count as a worker: so try it whole."""
    until = time.monotonic() + PATIENCE
    while True:
        joined = context(**worker)
        try:
            joined.__enter__()
            break
        except Exception:  # xgboost has one error for all
            if time.monotonic() > until:
                raise
            time.sleep(0.3)
    try:
        yield
    finally:
        joined.__exit__(None, None, None)
