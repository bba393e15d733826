"""Amazon SageMaker: families of resources, each a folder with its operations, its work and its access table.

A family's table of contents is its __init__: RESOURCES, WORK, and how it words Missing and Exists by the type of the
resource's key, MISSING and EXISTS; what it leaves out, it has none of.
"""

from collections.abc import Callable
from types import ModuleType

from skylab.kernel.key import Key
from skylab.kernel.store import Exists, Missing
from skylab.services.sagemaker import (
    components,
    debugger,
    hosting,
    pipelines,
    processing,
    registry,
    tracking,
    training,
    transform,
    tuning,
)
from skylab.services.sagemaker.tags import Tags
from skylab.wire.errors import AwsError, invalid

NAME = "sagemaker"
FAMILIES: list[ModuleType] = [
    components,
    debugger,
    hosting,
    pipelines,
    processing,
    registry,
    tracking,
    training,
    transform,
    tuning,
]
RESOURCES = [Tags, *(each for family in FAMILIES for each in family.RESOURCES)]
WORK = {kind: work for family in FAMILIES for kind, work in getattr(family, "WORK", {}).items()}
INVALID = "ValidationException"

Worded = dict[str, Callable[[Key], AwsError]]
MISSING: Worded = {type: how for family in FAMILIES for type, how in getattr(family, "MISSING", {}).items()}
EXISTS: Worded = {type: how for family in FAMILIES for type, how in getattr(family, "EXISTS", {}).items()}


def _missing(key: Key) -> AwsError:
    return MISSING[key.type](key) if key.type in MISSING else invalid(f"Could not find {key.type} {key.name}.")


def _exists(key: Key) -> AwsError:
    return EXISTS[key.type](key) if key.type in EXISTS else invalid(f"{key.type} {key.name} already exists.")


ERRORS = {Missing: _missing, Exists: _exists}
