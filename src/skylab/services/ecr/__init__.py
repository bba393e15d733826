"""Amazon ECR: repositories of the images that `skylab image build` makes.

A manifest is a document; the layers it names are folders on disk (containers/layers.py), which only the builder writes:
an image that nothing was built for cannot be put here.
"""

from pathlib import Path
from typing import Any

from skylab.containers.layers import Layers
from skylab.kernel.clock import Clock
from skylab.kernel.key import Key
from skylab.kernel.store import Exists, Missing
from skylab.services.ecr import words
from skylab.services.ecr.images import Images
from skylab.services.ecr.policies import Policies
from skylab.services.ecr.repositories import Repositories
from skylab.services.ecr.tags import Tags
from skylab.settings import Settings
from skylab.wire.errors import AwsError

NAME = "ecr"
RESOURCES = [Repositories, Images, Policies, Tags]
INVALID = "InvalidParameterException"


def open(root: Path, settings: Settings, clock: Clock) -> dict[str, Any]:
    return {"layers": Layers(root / "images")}


def _missing(key: Key) -> AwsError:
    return words.no_repository(key.name, key.account)


def _exists(key: Key) -> AwsError:
    return words.repository_exists(key.name, key.account)


ERRORS = {Missing: _missing, Exists: _exists}
