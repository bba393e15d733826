"""The lock of a folder."""

import fcntl
import os
import time

from skylab.root import Root


def test_who_gave_up_waiting_for_the_lock_does_not_hold_it_later(tmp_path):
    root = Root(tmp_path)
    first = root.lock()
    assert root.lock(0.05) is None

    os.close(first)
    deadline = time.monotonic() + 5
    while (again := _free(tmp_path / "lock")) is None and time.monotonic() < deadline:
        time.sleep(0.01)

    assert again is not None
    os.close(again)
    second = root.lock()
    assert second is not None
    os.close(second)


def _free(path):
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    except BlockingIOError:
        os.close(descriptor)
        return None
