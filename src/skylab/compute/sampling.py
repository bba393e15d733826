"""The process beside a program that samples what it uses. Forked by the runner, and ended with it."""

import json
import os
import select
from pathlib import Path
from typing import Any

from skylab.compute import sandbox
from skylab.images.profiling import sampler


def fork(launch: dict[str, Any]) -> None:
    """In the runner's folder, before it is split off: a sampler looks at the job from outside, once init is there."""
    if os.fork():
        return
    sandbox.die_with_parent()
    try:
        while not os.path.exists("pid"):
            select.select([], [], [], 0.02)
        pid = json.loads(Path("pid").read_text())["init"]
        sampler.follow(Path(launch["sampled"]), launch["hostname"], pid, launch["memory"], launch["cpus"])
    except Exception as error:
        print(f"The instance is not profiled any more: {error}", flush=True)
    finally:
        os._exit(0)
