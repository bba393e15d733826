"""SageMaker Runtime: requests to endpoints, straight from the gateway to a replica's socket."""

from pathlib import Path
from typing import Any

from skylab.kernel.clock import Clock
from skylab.services.sagemaker_runtime.invocations import Invocations
from skylab.services.sagemaker_runtime.multimodel import Shelves
from skylab.services.sagemaker_runtime.pool import Pool
from skylab.services.sagemaker_runtime.shadows import Shadows
from skylab.services.sagemaker_runtime.spool import Spool
from skylab.services.sagemaker_runtime.turns import Turns
from skylab.settings import Settings

NAME = "sagemaker-runtime"
RESOURCES = [Invocations]
INVALID = "ValidationError"
ERRORS: dict[type[Exception], Any] = {}


def open(root: Path, settings: Settings, clock: Clock) -> dict[str, Any]:
    part = {"pool": Pool(), "turns": Turns(), "shelves": Shelves(), "shadows": Shadows()}
    return part | {"spool": Spool(root / "captures", settings.durability), "keeper": part["shadows"]}
