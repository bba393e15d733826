"""What a job's processes use, as the profiler writes it."""

import json
import subprocess
import sys
import time

import pytest

from skylab.images.profiling.sampler import Instance, descendants, follow, write

BUSY = "import time\nend = time.time() + 30\nblock = bytearray(64 << 20)\nblock[::4096] = b'x' * len(block[::4096])\n"
BUSY += "print(flush=True)\nwhile time.time() < end: pass"


@pytest.fixture
def busy():
    """A shell whose child works."""
    script = f'{sys.executable} -c "$0"; true'
    process = subprocess.Popen(["/bin/sh", "-c", script, BUSY], stdout=subprocess.PIPE, start_new_session=True)
    process.stdout.readline()
    yield process
    for pid in reversed(list(descendants(process.pid))):
        subprocess.run(["kill", "-9", str(pid)], check=True)
    process.wait()
    process.stdout.close()


def test_a_busy_child_of_a_job_is_seen(busy):
    instance = Instance(busy.pid, 1 << 30, [0, 1], gpus=False)
    assert instance.sample(100.0) == [], "there is nothing to compare with"
    time.sleep(0.5)
    found = {(name, dimension): value for _, name, dimension, value in instance.sample(100.5)}

    assert sum(found[f"cpu{n}", "CPUUtilization"] for n in (0, 1)) > 20
    assert 5 < found["memory", "MemoryUsedPercent"] < 20
    assert found["disk", "WriteBytesPerSecond"] >= 0 and 0 <= found["cpu0", "I/OWaitPercentage"] <= 100
    assert any(dimension == "ReceiveBytesPerSecond" for _, dimension in found)


def test_samples_lie_in_files_of_a_minute(tmp_path):
    write(tmp_path, "algo-2", [("cpu", "cpu0", "CPUUtilization", 7.5)], 1591748109.2322)
    write(tmp_path, "algo-2", [("memory", "memory", "MemoryUsedPercent", 1.0)], 1591748169.2)

    first, second = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json"))
    assert first == "system/incremental/2020061000/1591748100.algo-2.json" and "1591748160" in second
    assert json.loads((tmp_path / first).read_text()) == {
        **{"Type": "cpu", "Name": "cpu0", "Dimension": "CPUUtilization", "Value": 7.5},
        **{"NodeId": "algo-2", "Timestamp": 1591748109.2322},
    }


def test_nobody_is_followed_beyond_its_end(tmp_path):
    follow(tmp_path, "algo-1", 2**22 + 1, None, None)
    assert not list(tmp_path.iterdir())
