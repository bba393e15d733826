"""SageMaker Runtime: requests to endpoints, straight from the gateway to a replica's socket."""

from pathlib import Path
from typing import Any

from skylab.kernel.clock import Clock
from skylab.services.sagemaker_runtime.asynchronous import QUEUE, AsynchronousInvocations
from skylab.services.sagemaker_runtime.invocations import Invocations
from skylab.services.sagemaker_runtime.multimodel import Shelves
from skylab.services.sagemaker_runtime.pool import Pool
from skylab.services.sagemaker_runtime.queue import Queue
from skylab.services.sagemaker_runtime.serverless import Workers
from skylab.services.sagemaker_runtime.shadows import Shadows
from skylab.services.sagemaker_runtime.spool import Spool
from skylab.services.sagemaker_runtime.turns import Turns
from skylab.settings import Settings

NAME = "sagemaker-runtime"
RESOURCES = [Invocations, AsynchronousInvocations]
WORK = {QUEUE: Queue}
INVALID = "ValidationError"
ERRORS: dict[type[Exception], Any] = {}


class Keeper:
    """What has to end when the cloud does."""

    def __init__(self, pool: Pool, shadows: Shadows) -> None:
        self.pool, self.shadows = pool, shadows

    def close(self) -> None:
        self.shadows.close()
        self.pool.close()


def open(root: Path, settings: Settings, clock: Clock) -> dict[str, Any]:
    spool = Spool(root / "captures", settings.durability)
    pool, shadows = Pool(), Shadows()
    kept = {
        "shelves": Shelves(),
        "workers": Workers(),
        "spool": spool,
        "shadows": shadows,
        "keeper": Keeper(pool, shadows),
    }
    return {"pool": pool, "turns": Turns()} | kept
