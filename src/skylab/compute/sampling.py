"""The process beside a program that samples what it uses. Forked by the runner, and ended with it.

It gives way to the program, and loads its modules only once there is something to sample.
"""

import json
import os
import select
from typing import TYPE_CHECKING

from skylab.compute import sandbox

if TYPE_CHECKING:
    from typing import Any


LOOK = 0.5  # seconds between two looks whether to begin


def fork(launch: "dict[str, Any]") -> None:
    """In the runner's folder, before it is split off: a sampler looks at the job from outside, once init is there."""
    if os.fork():
        return
    sandbox.die_with_parent()
    try:
        os.nice(5)
        while not (os.path.exists("pid") and _asked(launch["sampled"])):
            select.select([], [], [], LOOK)
        from pathlib import Path

        from skylab.images.profiling import sampler

        pid = json.loads(Path("pid").read_text())["init"]
        sampler.follow(Path(launch["sampled"]), launch["hostname"], pid, launch["memory"], launch["cpus"])
    except Exception as error:
        print(f"The instance is not profiled any more: {error}", flush=True)
    finally:
        os._exit(0)


def _asked(folder: str) -> bool:
    try:
        with open(f"{folder}/interval") as file:
            return file.read().strip() not in ("", "0")
    except OSError:
        return False
