"""How much of the machine a program may have: processors, memory, processes.

The standard library's quick modules only: every program waits for this.
"""

import os
import resource

# and threads: of one job, which is a user of its own, or alone in its user namespace. Few enough that a machine whose
# processors they all ask for can still end them.
PROCESSES, MORE = 512, 256  # per processor


def apply(cpus: int | None, memory: int | None) -> None:
    """To this process and what it starts; memory is bytes of data of each of them."""
    if cpus and hasattr(os, "sched_setaffinity"):
        free = sorted(os.sched_getaffinity(0))
        first = os.getppid() or os.getpid()  # so that not all small programs share the first processor
        os.sched_setaffinity(0, {free[(first + i) % len(free)] for i in range(min(cpus, len(free)))})
    if memory:
        _lower(resource.RLIMIT_DATA, memory)


def bound() -> None:
    """What a sandboxed program cannot do to the others: fill the machine with processes, or with its core files."""
    _lower(resource.RLIMIT_NPROC, PROCESSES + MORE * (os.cpu_count() or 1))
    _lower(resource.RLIMIT_CORE, 0)


def _lower(kind: int, value: int) -> None:
    _, ceiling = resource.getrlimit(kind)
    if ceiling != resource.RLIM_INFINITY:
        value = min(value, ceiling)
    resource.setrlimit(kind, (value, value))
