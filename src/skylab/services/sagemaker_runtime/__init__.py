"""SageMaker Runtime: requests to endpoints, straight from the gateway to a replica's socket."""

from pathlib import Path
from typing import Any

from skylab.kernel.clock import Clock
from skylab.services.sagemaker_runtime.asynchronous import QUEUE, AsynchronousInvocations
from skylab.services.sagemaker_runtime.invocations import Invocations
from skylab.services.sagemaker_runtime.multimodel import Shelves
from skylab.services.sagemaker_runtime.pool import Pool
from skylab.services.sagemaker_runtime.queue import Queue
from skylab.services.sagemaker_runtime.turns import Turns
from skylab.settings import Settings

NAME = "sagemaker-runtime"
RESOURCES = [Invocations, AsynchronousInvocations]
WORK = {QUEUE: Queue}
INVALID = "ValidationError"
ERRORS: dict[type[Exception], Any] = {}


def open(root: Path, settings: Settings, clock: Clock) -> dict[str, Any]:
    return {"pool": Pool(), "turns": Turns(), "shelves": Shelves()}
